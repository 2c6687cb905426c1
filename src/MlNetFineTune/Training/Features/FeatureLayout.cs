using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Layout of a row's features in a store: 32-bit floats; maps in channels-last layout, as in the network.</summary>
/// <param name="shape">Shape of a row's features as the frozen stages return them: [C, H, W], or [F], or [T, F].</param>
internal sealed class FeatureLayout(long[] shape)
{
    private readonly long[] _stored = shape is [var channels, var height, var width] ? [height, width, channels] : shape;

    /// <summary>Size of the features of one row in bytes.</summary>
    public long Bytes { get; } = shape.Aggregate((long)sizeof(float), (product, size) => checked(product * size));

    /// <summary>Text for cache keys.</summary>
    public override string ToString() => $"Float32 [{string.Join(", ", _stored)}]";

    /// <summary>Stores the features of rows.</summary>
    /// <param name="features">[N, ...], on any device. The caller keeps ownership.</param>
    /// <param name="store">The store.</param>
    /// <param name="keys">[N] keys.</param>
    public void Put(Tensor features, IFeatureStore store, ReadOnlySpan<ContentHash> keys)
    {
        using var scope = NewDisposeScope();
        var rows = (features.ndim == 4 ? features.permute(0, 2, 3, 1) : features).cpu().contiguous(); // [N, C, H, W] -> [N, H, W, C]
        for (var i = 0; i < keys.Length; i++)
        {
            using var row = rows.select(0, i);
            store.Put(keys[i], row.bytes);
        }
    }

    /// <summary>[1, ...]: features that are zero. The caller disposes them.</summary>
    public Tensor Zeros(Device device)
    {
        using var scope = NewDisposeScope();
        return AsInNetwork(zeros([1, .. _stored], ScalarType.Float32, device)).MoveToOuterDisposeScope();
    }

    /// <summary>[N, ...] in the order of the keys. The caller disposes it.</summary>
    public Tensor Get(IFeatureStore store, ReadOnlySpan<ContentHash> keys, Device device)
    {
        using var scope = NewDisposeScope();
        var rows = empty([keys.Length, .. _stored], ScalarType.Float32);
        for (var i = 0; i < keys.Length; i++)
        {
            using var row = rows.select(0, i);
            store.Get(keys[i]).CopyTo(row.bytes);
        }
        return AsInNetwork(rows.to(device)).MoveToOuterDisposeScope();
    }

    // [N, H, W, C] -> [N, C, H, W]
    private static Tensor AsInNetwork(Tensor rows) => rows.ndim == 4 ? rows.permute(0, 3, 1, 2) : rows;
}
