using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;

namespace MlNetFineTune.Rows;

/// <summary>Pictures in files: only the paths are kept.</summary>
internal sealed class PathRows(IReadOnlyList<string> paths) : ImageRows
{
    public override int Count => paths.Count;

    public override string PathOf(int row) => paths[row];

    public override string? Encode(int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output) =>
        encoder.EncodeFile(paths[row], augmentation, random, output);

    public override void Dispose()
    {
    }
}
