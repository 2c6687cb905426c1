using MlNetFineTune.Primitives;







namespace MlNetFineTune.Data;

/// <summary>Decoded pixels, 4 bytes each, rows from top to bottom.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="BlueFirst">BGRA instead of RGBA.</param>
internal sealed record PixelForm(int Width, int Height, bool BlueFirst);

/// <summary>What is known of a row's picture beside its bytes. With all null, the bytes are a file's.</summary>
/// <param name="Problem">Why there is no picture.</param>
/// <param name="Path">The file that has it.</param>
/// <param name="Pixels">The bytes are pixels of this form.</param>
internal readonly record struct PictureHead(string? Problem = null, string? Path = null, PixelForm? Pixels = null);

/// <summary>A row's picture in the form that its column has. <paramref name="bytes"/> belong to whoever made it: who keeps the picture copies them.</summary>
internal readonly ref struct Picture(PictureHead head, ReadOnlySpan<byte> bytes = default)
{
    public PictureHead Head { get; } = head;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Equal for equal pictures, wherever they lie; null where there is none.</summary>
    public ContentHash? Content => Head switch
    {
        { Problem: not null } => null,
        { Path: { } path } => ContentHash.OfFile(path),
        { Pixels: { } form } => ContentHash.Of(FormattableString.Invariant($"pixels {form.Width} x {form.Height} {(form.BlueFirst ? "BGRA" : "RGBA")}"), Bytes),
        _ => ContentHash.Of(Bytes),
    };

    public static Picture Unusable(string reason) => new(new PictureHead(Problem: reason));

    /// <returns>Null, or why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">It was given up while it waited for memory.</exception>
    public string? Encode(ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) => Head switch
    {
        { Problem: { } problem } => problem,
        { Path: { } path } => encoder.EncodeFile(path, augmentation, random, output, cancellation),
        { Pixels: { } form } => encoder.EncodePixels(new PixelSource(Bytes, form.Width, form.Height, form.BlueFirst), augmentation, random, output),
        _ => encoder.EncodeBytes(Bytes, augmentation, random, output, cancellation),
    };
}
