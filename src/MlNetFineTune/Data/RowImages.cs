using System.Buffers;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// The pictures of some rows, read on the cursor's thread and encoded on any thread. They are copied, because ML.NET's transforms may
/// dispose an image as soon as the cursor moves.
/// </summary>
internal sealed class RowImages(PictureReader reader, ImageEncoder encoder, int places) : RowReader
{
    // Pictures with more bytes are encoded at once, to limit memory: a batch would hold many of them while the next is read.
    private const int LargePixels = 8 << 20; // bytes: two million pixels
    private const int LargeFile = 64 << 20;

    private readonly (PictureHead Head, byte[] Bytes, int Length)[] _pictures = new (PictureHead, byte[], int)[places];

    public override int Length => encoder.Length;

    public override string Noun => "picture";

    public override void Take(int place)
    {
        var picture = reader.Read();
        ref var copy = ref _pictures[place];
        if (copy.Bytes is null || copy.Bytes.Length < picture.Bytes.Length)
        {
            Release(place); // first, so that nothing is returned twice after a failed allocation
            copy.Bytes = picture.Bytes.Length > LargeFile // a pool would keep it
                ? GC.AllocateUninitializedArray<byte>(picture.Bytes.Length)
                : ArrayPool<byte>.Shared.Rent(picture.Bytes.Length); // a predictor opens a cursor for each batch
        }
        picture.Bytes.CopyTo(copy.Bytes);
        (copy.Head, copy.Length) = (picture.Head, picture.Bytes.Length);
    }

    public override string? Encode(int place, Augmentation view, Span<byte> output) => Encode(place, encoder, view, output);

    /// <summary>The same by another encoder.</summary>
    public string? Encode(int place, ImageEncoder other, Augmentation view, Span<byte> output) =>
        PictureIn(place).Encode(other, view, default, output);

    public override ContentHash? ContentOf(int place) => PictureIn(place).Content;

    public override bool IsMissing(int place) => _pictures[place].Head.IsMissing;

    public override bool IsLarge(int place) => _pictures[place] is var (head, _, length)
        && length > (head.Pixels is null ? LargeFile : LargePixels);

    public override void Release(int place)
    {
        ref var picture = ref _pictures[place];
        Return(picture.Bytes);
        (picture.Bytes, picture.Length) = ([], 0);
    }

    public override string Describe(int place) => _pictures[place].Head.Path is { } path ? SafeText.Quoted(path, SafeText.SentenceLength)
        : "the image";

    public override void Dispose()
    {
        for (var place = 0; place < _pictures.Length; place++)
            Release(place);
    }

    private Picture PictureIn(int place)
    {
        var (head, bytes, length) = _pictures[place];
        return new Picture(head, bytes.AsSpan(0, length));
    }

    private static void Return(byte[]? bytes)
    {
        if (bytes is { Length: > 0 and <= LargeFile })
            ArrayPool<byte>.Shared.Return(bytes);
    }
}
