using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Features of a batch as arrays.</summary>
internal static class FeatureRows
{
    /// <summary>[N, ...] -> N rows of numbers.</summary>
    public static float[][] FlatRows(this Tensor features)
    {
        using var scope = NewDisposeScope();
        var count = checked((int)features.shape[0]);
        var values = features.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        return values.Length == 0 ? [.. Enumerable.Repeat(Array.Empty<float>(), count)] : [.. values.Chunk(values.Length / count)];
    }
}
