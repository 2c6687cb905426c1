using SkiaSharp;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Corruptions of photos of the kinds of ImageNet-C (Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261), at one strength, on
/// the photo with a shorter side of 256 pixels. Own implementations: only accuracies on the same files are comparable.
/// </summary>
internal sealed record Corruption(string Name, Action<byte[], int, int, Random> Change, int Quality = 95)
{
    private const int ShorterSide = 256;

    public static IReadOnlyList<Corruption> All { get; } =
    [
        new("Gaussian noise", (pixels, _, _, random) => Each(pixels, value => value + 30 * Normal(random))),
        new("impulse noise", (pixels, _, _, random) => Each(pixels, value => random.NextDouble() < 0.06 ? random.Next(2) * 255 : value)),
        new("blur", (pixels, width, height, _) =>
        {
            for (var pass = 0; pass < 3; pass++) // three boxes are close to a Gaussian of deviation 3.5
            {
                Box(pixels, width, height, radius: 3, dx: 1, dy: 0);
                Box(pixels, width, height, radius: 3, dx: 0, dy: 1);
            }
        }),
        new("motion blur", (pixels, width, height, _) => Box(pixels, width, height, radius: 9, dx: 1, dy: 0)),
        new("brightness", (pixels, _, _, _) => Each(pixels, value => value + 80)),
        new("contrast", (pixels, _, _, _) =>
        {
            var mean = pixels.Average(value => (double)value);
            Each(pixels, value => mean + 0.3 * (value - mean));
        }),
        new("pixelate", Pixelate),
        new("JPEG", (_, _, _, _) => { }, Quality: 7),
    ];

    /// <summary>Writes the corrupted photo.</summary>
    public void Write(string photo, string path, int seed)
    {
        using var full = SKBitmap.Decode(photo);
        var scale = (double)ShorterSide / Math.Min(full.Width, full.Height);
        var (width, height) = ((int)Math.Round(full.Width * scale), (int)Math.Round(full.Height * scale));
        using var small = full.Resize(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque), SKFilterQuality.High);
        var pixels = small.Bytes; // 4 bytes a pixel
        Change(pixels, width, height, new Random(seed));
        using var changed = new SKBitmap(small.Info);
        System.Runtime.InteropServices.Marshal.Copy(pixels, 0, changed.GetPixels(), pixels.Length);
        using var encoded = changed.Encode(SKEncodedImageFormat.Jpeg, Quality);
        using var file = File.Create(path);
        encoded.SaveTo(file);
    }

    private static void Each(byte[] pixels, Func<byte, double> change)
    {
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)Math.Clamp(Math.Round(change(pixels[i])), 0, 255);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static void Box(byte[] pixels, int width, int height, int radius, int dx, int dy)
    {
        var before = (byte[])pixels.Clone();
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var channel = 0; channel < 3; channel++)
                {
                    var sum = 0;
                    for (var d = -radius; d <= radius; d++)
                    {
                        var (nearX, nearY) = (Math.Clamp(x + d * dx, 0, width - 1), Math.Clamp(y + d * dy, 0, height - 1));
                        sum += before[(nearY * width + nearX) * 4 + channel];
                    }
                    pixels[(y * width + x) * 4 + channel] = (byte)(sum / (2 * radius + 1));
                }
            }
        }
    }

    private static void Pixelate(byte[] pixels, int width, int height, Random random)
    {
        const int Block = 6;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var from = ((y - y % Block) * width + x - x % Block) * 4;
                pixels.AsSpan(from, 3).CopyTo(pixels.AsSpan((y * width + x) * 4));
            }
        }
    }
}
