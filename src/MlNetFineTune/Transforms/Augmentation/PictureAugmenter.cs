using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Draws pictures at their own size, augmented one by one. Random numbers are counted by seed, pass and row id, so that neither the order
/// of the rows nor the number of cursors decides what a row looks like.
/// </summary>
/// <param name="augmentation">Without operations on batches.</param>
/// <param name="seed">Decides all pictures.</param>
internal sealed class PictureAugmenter(Augmentation augmentation, long seed)
{
    /// <summary>The pass that leaves pictures as they are.</summary>
    public const int Unchanged = 0;

    private readonly RandomErasing[] _erasing = [.. augmentation.Operations.OfType<RandomErasing>()];

    /// <exception cref="ArgumentException">An operation acts on batches.</exception>
    public static Augmentation Checked(Augmentation augmentation)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        return augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is not { } mixing ? augmentation
            : throw new ArgumentException(
                $"{mixing.GetType().Name} blends each picture with others of its batch, and the labels with it; here pictures are changed "
                + "one by one. Leave it out, or give it to FineTuneImages as its option Augmentation.", nameof(augmentation));
    }

    /// <summary>Draws one row's picture.</summary>
    /// <param name="source">The decoded picture, upright.</param>
    /// <param name="pass">From 1; each has its own pictures.</param>
    /// <param name="id">Of the row.</param>
    /// <returns>The caller disposes it.</returns>
    public MLImage Draw(PixelSource source, int pass, DataViewRowId id)
    {
        var size = new PixelSize(source.Width, source.Height);
        var view = augmentation.Views is { } views ? pass % views : pass;
        var ordinal = RowIds.OrdinalOf(id);
        var random = new CountedRandom(seed, RandomStream.Augmentation, view, ordinal);
        var plan = ImagePlan.AtOwnSize(size, WholePicture.Preprocessing);
        augmentation.Apply(ref plan, ref random);

        using var pixels = new ScratchBuffer<byte>(size.Width * size.Height * 3);
        ImageEncoder.Draw(source, plan, pixels.Span);
        if (_erasing.Length > 0)
        {
            var erased = new CountedRandom(seed, RandomStream.Erasing, view, ordinal);
            foreach (var erasing in _erasing)
                erasing.Erase(pixels.Span, size, WholePicture.Preprocessing, ref erased);
        }
        return ToImage(pixels.Span, size, source.BlueFirst);
    }

    /// <param name="pixels">[height, width, 3] bytes, red first.</param>
    /// <param name="size">Of the picture.</param>
    /// <param name="blueFirst">BGRA instead of RGBA.</param>
    /// <returns>An opaque image; the caller disposes it.</returns>
    public static MLImage ToImage(ReadOnlySpan<byte> pixels, PixelSize size, bool blueFirst = false)
    {
        using var widened = new ScratchBuffer<byte>(size.Width * size.Height * 4);
        var target = widened.Span;
        var (red, blue) = blueFirst ? (2, 0) : (0, 2);
        for (var (from, to) = (0, 0); to < target.Length; from += 3, to += 4)
        {
            target[to + red] = pixels[from];
            target[to + 1] = pixels[from + 1];
            target[to + blue] = pixels[from + 2];
            target[to + 3] = 255;
        }
        return MLImage.CreateFromPixels(
            size.Width, size.Height, blueFirst ? MLPixelFormat.Bgra32 : MLPixelFormat.Rgba32, target);
    }
}
