using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>Reads rows to be explained, and stores the original picture of each until its heat is drawn.</summary>
/// <param name="rows">Encodes the rows for the network. Disposed with this.</param>
/// <param name="pictures">Pictures of the same column; null if no heat is drawn.</param>
/// <param name="places">Number of rows stored at once.</param>
internal sealed class ExplainedRowReader(RowReader rows, PictureReader? pictures, int places) : RowReader
{
    private readonly (PictureHead Head, byte[] Bytes, int Length)[] _pictures =
        pictures is null ? [] : new (PictureHead, byte[], int)[places];

    public override int Length => rows.Length;

    public override string Noun => rows.Noun;

    public override void Take(int place)
    {
        rows.Take(place);
        if (pictures is null)
            return;
        var picture = pictures.Read();
        ref var copy = ref _pictures[place];
        if (copy.Bytes is null || copy.Bytes.Length < picture.Bytes.Length)
            copy.Bytes = GC.AllocateUninitializedArray<byte>(picture.Bytes.Length);
        picture.Bytes.CopyTo(copy.Bytes);
        (copy.Head, copy.Length) = (picture.Head, picture.Bytes.Length);
    }

    /// <summary>The picture of a row, until the next row is read into its place.</summary>
    public Picture PictureOf(int place)
    {
        var (head, bytes, length) = _pictures[place];
        return new Picture(head, bytes.AsSpan(0, length));
    }

    public override string? Encode(int place, Augmentation view, Span<byte> output) => rows.Encode(place, view, output);

    public override bool IsMissing(int place) => rows.IsMissing(place);

    public override bool IsLarge(int place) => rows.IsLarge(place);

    public override void Release(int place) => rows.Release(place);

    public override string Describe(int place) => rows.Describe(place);

    public override void Dispose() => rows.Dispose();
}
