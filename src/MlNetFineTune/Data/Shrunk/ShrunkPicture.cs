using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>An upright picture that was shrunk, as bytes: width, height (int32, little-endian), and pixels, [height, width, 3].</summary>
internal readonly ref struct ShrunkPicture
{
    private const int HeaderSize = 2 * sizeof(int);

    // The filter of the second resizing blurs. Of the two filters, this one keeps more of what it can still show.
    private static readonly ImagePreprocessing s_preprocessing = new() { CropFraction = 1, Interpolation = Interpolation.Bicubic };

    private readonly ReadOnlySpan<byte> _pixels;

    private ShrunkPicture(PixelSize size, ReadOnlySpan<byte> pixels)
    {
        Size = size;
        _pixels = pixels;
    }

    public PixelSize Size { get; }

    /// <summary>Number of bytes of a picture.</summary>
    public static int LengthOf(PixelSize size) => checked(HeaderSize + size.Width * size.Height * 3);

    /// <summary>Bytes as <see cref="TryShrink"/> writes them, which are not copied.</summary>
    /// <returns>False if they are no picture.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ShrunkPicture picture)
    {
        picture = default;
        if (bytes.Length < HeaderSize)
            return false;
        var size = new PixelSize(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
        if (size.Width <= 0 || size.Height <= 0 || (Int128)size.Width * size.Height * 3 != bytes.Length - HeaderSize)
            return false;
        picture = new ShrunkPicture(size, bytes[HeaderSize..]);
        return true;
    }

    /// <summary>Decodes and shrinks a picture that is in memory.</summary>
    /// <param name="picture">Bytes of a file, or pixels.</param>
    /// <param name="longestSide">Longest side of the result in pixels; a smaller picture keeps its size.</param>
    /// <param name="cancellation">Cancels waiting for memory.</param>
    /// <param name="shrunk">The result, which the caller disposes if this returns true.</param>
    /// <returns>False if the picture cannot be read.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public static bool TryShrink(in Picture picture, int longestSide, CancellationToken cancellation, out ShrunkPictureBuffer shrunk) =>
        picture.Head.Pixels is { } form ? TryShrinkPixels(picture.Bytes, form, longestSide, cancellation, out shrunk)
        : TryShrinkFile(picture.Bytes, longestSide, cancellation, out shrunk);

    /// <summary>Copies a window to pixels of four bytes, red first.</summary>
    public void CopyTo(PixelWindow window, Span<byte> pixels)
    {
        for (var y = 0; y < window.Height; y++)
        {
            var line = _pixels.Slice(((window.Top + y) * Size.Width + window.Left) * 3, window.Width * 3);
            Widen(line, pixels.Slice(y * window.Width * 4, window.Width * 4));
        }
    }

    private static bool TryShrinkPixels(
        ReadOnlySpan<byte> pixels, PixelForm form, int longestSide, CancellationToken cancellation, out ShrunkPictureBuffer shrunk)
    {
        shrunk = default;
        if (DecodeLimits.Refuse(form.Width, form.Height) is not null)
            return false;
        var plan = Plan(new PixelSize(form.Width, form.Height), longestSide);
        shrunk = new ShrunkPictureBuffer(plan.Output, decoding: 0, cancellation);
        ImageEncoder.Draw(new PixelSource(pixels, form.Width, form.Height, form.BlueFirst), plan, Begin(plan.Output, shrunk.Bytes));
        return true;
    }

    private static unsafe bool TryShrinkFile(
        ReadOnlySpan<byte> encoded, int longestSide, CancellationToken cancellation, out ShrunkPictureBuffer shrunk)
    {
        shrunk = default;
        fixed (byte* pointer = encoded)
        {
            using var data = SKData.Create((nint)pointer, encoded.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !FileFormats.IsRead(codec.EncodedFormat))
                return false;
            var full = codec.Info.Size;
            if (DecodeLimits.Refuse(full.Width, full.Height, encoded.Length) is not null)
                return false;
            var (orientation, upright) = ImageEncoder.Upright(codec);
            var plan = Plan(upright, longestSide);
            var info = ImageEncoder.ChooseDecode(codec, orientation, ref plan);
            var decoding = DecodeCost.Of(
                codec, encoded, full, info.Size, Math.Max(plan.Output.Width, plan.Output.Height));
            shrunk = new ShrunkPictureBuffer(plan.Output, decoding, cancellation);
            if (ImageEncoder.DrawWhole(codec, info, orientation, plan, Begin(plan.Output, shrunk.Bytes)) is null)
                return true;
            shrunk.Dispose();
            return false;
        }
    }

    private static ImagePlan Plan(PixelSize size, int longestSide)
    {
        var longer = Math.Max(size.Width, size.Height);
        return ImagePlan.Shrink(
            size, longer <= longestSide ? size : new PixelSize(Scaled(size.Width), Scaled(size.Height)), s_preprocessing);

        int Scaled(int side) => Math.Max(1, (int)Math.Round((double)side * longestSide / longer));
    }

    // Writes the header, and returns the place of the pixels.
    private static Span<byte> Begin(PixelSize size, Span<byte> target)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, size.Width);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], size.Height);
        return target[HeaderSize..];
    }

    // Three bytes a pixel to four; the fourth is not used.
    private static void Widen(ReadOnlySpan<byte> colors, Span<byte> pixels)
    {
        var order = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        var (i, o) = (0, 0);
        for (; i + Vector128<byte>.Count <= colors.Length; i += 12, o += 16)
            Vector128.Shuffle(Vector128.Create(colors[i..]), order).CopyTo(pixels[o..]);
        for (; i < colors.Length; i += 3, o += 4)
            colors.Slice(i, 3).CopyTo(pixels[o..]);
    }
}
