using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

/// <summary>A picture that needs no file: the twin of `picture` in tools/reference/picture_fixture.py, which explains it.</summary>
internal static class FormulaPicture
{
    /// <summary>[height, width, 4] bytes, red first, opaque.</summary>
    public static byte[] Pixels(int width, int height, bool hard = false)
    {
        var pixels = new byte[width * height * 4];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var i = (y * width + x) * 4;
                pixels[i] = (byte)(32 + Math.Abs((3 * x + 2 * y) % 192 - 96) * 191 / 96);
                pixels[i + 1] = (byte)((x / 16 + y / 16) % 2 == 1 ? (hard ? 255 : 215) : (hard ? 0 : 40));
                pixels[i + 2] = (byte)(32 + (((7 * x) ^ (5 * y)) % 128));
                pixels[i + 3] = 255;
            }
        }

        return pixels;
    }

    public static byte[] Encode(byte[] pixels, int width, int height, SKEncodedImageFormat format = SKEncodedImageFormat.Png,
        int quality = 100)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        System.Runtime.InteropServices.Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }
}
