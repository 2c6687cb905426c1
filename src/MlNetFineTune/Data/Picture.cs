using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Decoded pixels, 4 bytes each, rows from top to bottom.</summary>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="BlueFirst">BGRA instead of RGBA.</param>
internal sealed record PixelForm(int Width, int Height, bool BlueFirst);

/// <summary>
/// A row's picture apart from its bytes: a path, a reason why it cannot be used, or a pixel format. If all are null, the bytes are an
/// encoded image file.
/// </summary>
/// <param name="Problem">The reason why there is no picture.</param>
/// <param name="Path">Path of the file.</param>
/// <param name="Pixels">Format of the pixels in the bytes.</param>
/// <param name="IsAbsent">Whether the picture is missing, as opposed to unusable.</param>
internal readonly record struct PictureHead(string? Problem = null, string? Path = null, PixelForm? Pixels = null, bool IsAbsent = false)
{
    /// <summary>Whether the row has no picture.</summary>
    public bool IsMissing => IsAbsent || Path is { Length: 0 };
}

/// <summary>
/// A row's picture in the format of its column. <paramref name="bytes"/> belong to the reader: copy them to keep the picture.
/// </summary>
internal readonly ref struct Picture(PictureHead head, ReadOnlySpan<byte> bytes = default)
{
    public PictureHead Head { get; } = head;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Content hash, equal for equal pictures with different paths; null for a missing picture.</summary>
    public ContentHash? Content => Head switch
    {
        { Problem: not null } => null,
        { Path: { } path } => ContentHash.OfFile(path),
        { Pixels: { } form } => ContentHash.Of(
            FormattableString.Invariant($"pixels {form.Width} x {form.Height} {(form.BlueFirst ? "BGRA" : "RGBA")}"), Bytes),
        _ => ContentHash.Of(Bytes),
    };

    public static Picture Missing(string reason) => new(new PictureHead(Problem: reason, IsAbsent: true));

    public static Picture Unusable(string reason) => new(new PictureHead(Problem: reason));

    /// <returns>Null, or the reason why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
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
