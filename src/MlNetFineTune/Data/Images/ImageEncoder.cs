using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>
/// Encodes one picture, from a file or from pixels, for the network's input: [size, size, 3] bytes, red first. Thread-safe.
/// </summary>
internal sealed class ImageEncoder(ImagePreprocessing preprocessing)
{
    public ImagePreprocessing Preprocessing { get; } = preprocessing;

    /// <summary>Bytes of one encoded picture.</summary>
    public int Length { get; } = preprocessing.Size * preprocessing.Size * 3;

    /// <summary>Decodes a JPEG, PNG, GIF (first frame), BMP or WebP file.</summary>
    /// <returns>Null, or the reason why the file cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public string? EncodeFile(string path, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default)
    {
        if (PictureFile.Read(path, out var file, cancellation) is { } refusal)
            return refusal;
        using (file)
            return EncodeBytes(file.Span, augmentation, random, output, cancellation);
    }

    /// <inheritdoc cref="EncodeFile"/>
    public unsafe string? EncodeBytes(
        ReadOnlySpan<byte> encoded, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default)
    {
        fixed (byte* pointer = encoded)
        {
            using var data = SKData.Create((nint)pointer, encoded.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !FileFormats.IsRead(codec.EncodedFormat))
                return FileFormats.Explain(encoded);
            var full = codec.Info.Size;
            if (DecodeLimits.Refuse(full.Width, full.Height, encoded.Length) is { } refusal)
                return refusal;

            var (orientation, upright) = Upright(codec);
            var plan = Plan(upright.Width, upright.Height, augmentation, random);
            var info = ChooseDecode(codec, orientation, ref plan);
            using var share = ByteBudget.Pixels.Take(DecodeCost.Of(codec, encoded, full, info.Size, Preprocessing.Size), cancellation);
            return plan.Warp is null && JpegWindow.IsPossible(codec, encoded) && TryDrawWindow(codec, info, orientation, plan, output)
                ? null
                : DrawWhole(codec, info, orientation, plan, output);
        }
    }

    /// <summary>The EXIF orientation of a picture's file, and its upright size.</summary>
    internal static (int Orientation, PixelSize Size) Upright(SKCodec codec)
    {
        var orientation = (int)codec.EncodedOrigin is >= 1 and <= 8 and var origin ? origin : 1;
        var size = new PixelSize(codec.Info.Width, codec.Info.Height);
        return (orientation, orientation >= 5 ? size.Transposed : size);
    }

    /// <summary>Chooses the size at which a picture is decoded, and adapts the plan to it.</summary>
    internal static SKImageInfo ChooseDecode(SKCodec codec, int orientation, ref ImagePlan plan)
    {
        var full = codec.Info.Size;
        var stored = SmallestDecode(codec, full, plan.Magnification(plan.Output));
        var (across, down) = ((double)stored.Width / full.Width, (double)stored.Height / full.Height);
        if (orientation >= 5)
            plan.ScaleSource(down, across);
        else
            plan.ScaleSource(across, down);
        return new SKImageInfo(stored.Width, stored.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
    }

    private static bool TryDrawWindow(SKCodec codec, SKImageInfo info, int orientation, in ImagePlan plan, Span<byte> output)
    {
        var needed = Resampler.Reads(new PixelSource(default, info.Width, info.Height, blueFirst: false, orientation), plan,
            plan.Preprocessing.Size, plan.Preprocessing.Interpolation);
        var window = JpegWindow.Around(needed, info.Size);
        using var pixels = new ScratchBuffer<byte>(window.Width * window.Height * info.BytesPerPixel);
        if (!JpegWindow.TryDecode(codec, info, window, pixels.Span))
            return false;
        Draw(new PixelSource(pixels.Span, info.Width, info.Height, blueFirst: false, orientation, window), plan, output);
        return true;
    }

    /// <summary>Decodes a whole picture and draws it.</summary>
    internal static unsafe string? DrawWhole(SKCodec codec, SKImageInfo info, int orientation, in ImagePlan plan, Span<byte> output)
    {
        using var pixels = new ScratchBuffer<byte>(info.BytesSize);
        fixed (byte* target = pixels.Span)
        {
            var result = codec.GetPixels(info, (nint)target, info.RowBytes, SKCodecOptions.Default);
            if (result != SKCodecResult.Success)
                return result == SKCodecResult.IncompleteInput ? "it is cut off" : $"it is damaged ({codec.EncodedFormat}: {result})";
        }
        Draw(new PixelSource(pixels.Span, info.Width, info.Height, blueFirst: false, orientation), plan, output);
        return null;
    }

    /// <inheritdoc cref="EncodeFile"/>
    public string? EncodePixels(PixelSource source, Augmentation augmentation, CountedRandom random, Span<byte> output)
    {
        if (DecodeLimits.Refuse(source.Width, source.Height) is { } refusal)
            return refusal;
        var plan = Plan(source.Width, source.Height, augmentation, random);
        Draw(source, plan, output);
        return null;
    }

    /// <summary>Draws a picture that <see cref="ShrunkPicture"/> has shrunk.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public void EncodeShrunk(
        ShrunkPicture picture, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default)
    {
        var plan = Plan(picture.Size.Width, picture.Size.Height, augmentation, random);
        var window = WindowOf(picture, plan);
        using var share = ByteBudget.Pixels.Take(BytesToDraw(window.Width, window.Height), cancellation);
        DrawShrunk(picture, window, plan, output);
    }

    /// <summary>As <see cref="EncodeShrunk(ShrunkPicture, Augmentation, CountedRandom, Span{byte}, CancellationToken)"/>, with the share of
    /// a picture that was just shrunk.</summary>
    public void EncodeShrunk(in ShrunkPictureBuffer shrunk, Augmentation augmentation, CountedRandom random, Span<byte> output)
    {
        if (!ShrunkPicture.TryRead(shrunk.Bytes, out var picture))
            throw new ArgumentException("The buffer has no picture.", nameof(shrunk));
        var plan = Plan(picture.Size.Width, picture.Size.Height, augmentation, random);
        DrawShrunk(picture, WindowOf(picture, plan), plan, output);
    }

    /// <summary>Bytes for drawing a window of a shrunk picture.</summary>
    internal static long BytesToDraw(int width, int height) => 4L * width * height;

    private PixelWindow WindowOf(ShrunkPicture picture, in ImagePlan plan)
    {
        var whole = new PixelSource(default, picture.Size.Width, picture.Size.Height, blueFirst: false);
        return plan.Warp is null ? Resampler.Reads(whole, plan, plan.Output, Preprocessing.Interpolation) : whole.Window;
    }

    private static void DrawShrunk(ShrunkPicture picture, PixelWindow window, in ImagePlan plan, Span<byte> output)
    {
        using var pixels = new ScratchBuffer<byte>(checked((int)BytesToDraw(window.Width, window.Height)));
        picture.CopyTo(window, pixels.Span);
        Draw(new PixelSource(pixels.Span, picture.Size.Width, picture.Size.Height, blueFirst: false, window: window), plan, output);
    }

    private ImagePlan Plan(int width, int height, Augmentation augmentation, CountedRandom random)
    {
        var plan = augmentation.Crops ? ImagePlan.Whole(width, height, Preprocessing) : ImagePlan.CenterCrop(width, height, Preprocessing);
        augmentation.Apply(ref plan, ref random);
        return plan;
    }

    /// <summary>Resamples with all geometric operations, then applies the operations on pixels.</summary>
    internal static void Draw(PixelSource source, in ImagePlan plan, Span<byte> output)
    {
        var preprocessing = plan.Preprocessing;
        if (plan.Warp is null)
            Resampler.Resample(source, plan, plan.Output, preprocessing.Interpolation, output);
        else
            Warper.Warp(source, plan.ToSource(plan.Output), plan.Output, preprocessing.Fill, output);
        plan.Pixels?.Finish(output, plan.Output, preprocessing);
    }

    /// <summary>
    /// JPEG can be decoded at multiples of 1/8 of its size at a fraction of the cost, from its low frequencies. The smallest size with at
    /// least as many pixels as the output is chosen; other formats are decoded at full size.
    /// </summary>
    private static SKSizeI SmallestDecode(SKCodec codec, SKSizeI full, double needed)
    {
        for (var eighths = 1; eighths < 8; eighths++)
        {
            var candidate = codec.GetScaledDimensions(eighths / 8f);
            if (candidate.Width >= needed * full.Width && candidate.Height >= needed * full.Height)
                return candidate;
        }
        return full;
    }
}
