using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>The files of a network's features.</summary>
/// <param name="Network">Hash of everything that the features depend on apart from the row.</param>
/// <param name="RowBytes">Bytes of a row, at least 4.</param>
internal sealed record FeatureFileForm(ContentHash Network, long RowBytes)
{
    public KeyedFileForm File { get; } = new("MNFTFEAT", "features", ".features", Network);
}
