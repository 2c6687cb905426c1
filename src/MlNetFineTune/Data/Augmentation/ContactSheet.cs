using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>A sheet with one row per picture: first the view of scoring, then augmented samples.</summary>
internal static class ContactSheet
{
    private const int Gap = 4;

    public static void Save(Augmentation augmentation, IReadOnlyList<string> imagePaths, string path, int samples, int size, long seed)
    {
        if (imagePaths.Count == 0)
            throw new ArgumentException("A contact sheet needs at least one picture.", nameof(imagePaths));
        Checked.Range(samples, 1, 100);
        Checked.Range(size, 32, 1024);
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = size });
        var step = size + Gap;
        using var sheet = new SKBitmap(
            new SKImageInfo((samples + 1) * step + Gap, imagePaths.Count * step + Gap, SKColorType.Rgba8888, SKAlphaType.Opaque));
        sheet.Erase(SKColors.White);
        var pixels = new byte[encoder.Length];
        for (var row = 0; row < imagePaths.Count; row++)
        {
            for (var sample = 0; sample <= samples; sample++)
            {
                // Each sample uses the random numbers of another epoch.
                var random = new CountedRandom(seed, RandomStream.Augmentation, sample, row);
                if (encoder.EncodeFile(imagePaths[row], sample == 0 ? Augmentation.None : augmentation, random, pixels) is { } reason)
                    throw new InvalidDataException(
                        $"{SafeText.Quoted(imagePaths[row], SafeText.SentenceLength)} cannot be shown: {reason}.");
                Paste(pixels, size, sheet, Gap + sample * step, Gap + row * step);
            }
        }
        using var png = sheet.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, png.SaveTo);
    }

    private static unsafe void Paste(ReadOnlySpan<byte> pixels, int size, SKBitmap sheet, int left, int top)
    {
        var target = new Span<byte>((void*)sheet.GetPixels(), sheet.ByteCount);
        for (var i = 0; i < size * size; i++)
        {
            var place = ((top + i / size) * sheet.Width + left + i % size) * 4;
            pixels.Slice(i * 3, 3).CopyTo(target[place..]);
        }
    }
}
