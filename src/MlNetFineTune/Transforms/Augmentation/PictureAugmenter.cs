using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Augments single pictures at their own size. Random numbers depend only on seed, pass and row id, so that the result depends neither on
/// the order of the rows nor on the number of cursors.
/// </summary>
/// <param name="augmentation">An augmentation without operations on batches.</param>
/// <param name="seed">Seed of all pictures.</param>
internal sealed class PictureAugmenter(Augmentation augmentation, long seed)
{
    /// <summary>The pass without augmentation.</summary>
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

    /// <summary>Augments the picture of one row.</summary>
    /// <param name="source">The decoded picture, with its EXIF orientation applied.</param>
    /// <param name="pass">Index of the pass, from 1; pictures differ between passes.</param>
    /// <param name="id">ID of the row.</param>
    /// <returns>The augmented image; the caller disposes it.</returns>
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
    /// <param name="size">Size of the picture.</param>
    /// <param name="blueFirst">Whether the image is BGRA instead of RGBA.</param>
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
