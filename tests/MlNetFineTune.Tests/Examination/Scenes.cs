using System.Text;
using SkiaSharp;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Drawn pictures with edges, areas and noise, different for each seed, and changed versions of them.</summary>
internal static class Scenes
{
    public const int Side = 96;

    /// <summary>Writes a picture and returns its path.</summary>
    public static string Write(string folder, int seed, Action<SKCanvas>? after = null, int side = Side)
    {
        using var bitmap = Draw(seed, side);
        if (after is not null)
        {
            using var canvas = new SKCanvas(bitmap);
            after(canvas);
        }
        return Save(bitmap, Path.Combine(folder, $"scene{seed}-{Guid.NewGuid():N}.png"));
    }

    /// <summary>Several pictures, of seeds from <paramref name="first"/> on.</summary>
    public static List<string> Write(string folder, int first, int count) =>
        [.. Enumerable.Range(first, count).Select(seed => Write(folder, seed))];

    public static string WriteBlank(string folder, SKColor color)
    {
        using var bitmap = new SKBitmap(Side, Side);
        bitmap.Erase(color);
        return Save(bitmap, Path.Combine(folder, $"blank-{Guid.NewGuid():N}.png"));
    }

    public static string WriteBlurred(string folder, int seed, float sigma)
    {
        using var bitmap = Draw(seed, Side);
        using var surface = SKSurface.Create(new SKImageInfo(Side, Side));
        using var filter = SKImageFilter.CreateBlur(sigma, sigma, SKShaderTileMode.Clamp);
        using var paint = new SKPaint { ImageFilter = filter };
        surface.Canvas.DrawBitmap(bitmap, 0, 0, paint);
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        var path = Path.Combine(folder, $"blurred{seed}-{Guid.NewGuid():N}.png");
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    /// <summary>The picture as a JPEG of low quality, at another size, and with an EXIF orientation.</summary>
    public static string WriteJpeg(string folder, int seed, int quality = 50, int side = 80, int orientation = 1)
    {
        using var bitmap = Draw(seed, Side);
        using var scaled = bitmap.Resize(new SKSizeI(side, side), SKFilterQuality.High);
        using var data = scaled.Encode(SKEncodedImageFormat.Jpeg, quality);
        var jpeg = data.ToArray();
        byte[] exif = [.. Encoding.ASCII.GetBytes("Exif\0\0MM\0*"), 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation,
            0, 0, 0, 0, 0, 0];
        var path = Path.Combine(folder, $"copy{seed}-{Guid.NewGuid():N}.jpg");
        File.WriteAllBytes(
            path, orientation == 1 ? jpeg : [jpeg[0], jpeg[1], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]]);
        return path;
    }

    private static string Save(SKBitmap bitmap, string path)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    private static SKBitmap Draw(int seed, int side)
    {
        var random = new Random(seed);
        var bitmap = new SKBitmap(side, side);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(Color());
            for (var shape = 0; shape < 7; shape++)
            {
                using var paint = new SKPaint { Color = Color() };
                var (x, y) = (random.Next(side), random.Next(side));
                var (width, height) = (random.Next(side / 8, side / 2), random.Next(side / 8, side / 2));
                if (shape % 2 == 0)
                    canvas.DrawRect(x - width / 2, y - height / 2, width, height, paint);
                else
                    canvas.DrawOval(x, y, width / 2, height / 2, paint);
            }
        }
        return bitmap;

        SKColor Color() => new((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
    }
}
