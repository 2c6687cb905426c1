using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Decoded pixels, 4 bytes each, rows from top to bottom.</summary>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="BlueFirst">BGRA instead of RGBA.</param>
internal sealed record PixelForm(int Width, int Height, bool BlueFirst);

/// <summary>What a row's picture is besides its bytes: a path, a reason why it is unusable, or a pixel format.
/// Where all are null, the bytes are an encoded image file.</summary>
/// <param name="Problem">Why there is no picture.</param>
/// <param name="Path">The file that has it.</param>
/// <param name="Pixels">The bytes are pixels of this form.</param>
internal readonly record struct PictureHead(string? Problem = null, string? Path = null, PixelForm? Pixels = null);

/// <summary>A row's picture in the form that its column has. <paramref name="bytes"/> belong to the reader:
/// copy them to keep the picture.</summary>
internal readonly ref struct Picture(PictureHead head, ReadOnlySpan<byte> bytes = default)
{
    public PictureHead Head { get; } = head;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Content hash, equal for equal pictures whatever their paths; null for a missing picture.</summary>
    public ContentHash? Content => Head switch
    {
        { Problem: not null } => null,
        { Path: { } path } => ContentHash.OfFile(path),
        { Pixels: { } form } => ContentHash.Of(
            FormattableString.Invariant($"pixels {form.Width} x {form.Height} {(form.BlueFirst ? "BGRA" : "RGBA")}"), Bytes),
        _ => ContentHash.Of(Bytes),
    };

    public static Picture Unusable(string reason) => new(new PictureHead(Problem: reason));

    /// <returns>Null, or why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">It was given up while it waited for memory.</exception>
    public string? Encode(ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default) => Head switch
        {
            { Problem: { } problem } => problem,
            { Path: { } path } => encoder.EncodeFile(path, augmentation, random, output, cancellation),
            { Pixels: { } form } => encoder.EncodePixels(
                new PixelSource(Bytes, form.Width, form.Height, form.BlueFirst), augmentation, random, output),
            _ => encoder.EncodeBytes(Bytes, augmentation, random, output, cancellation),
        };
}
