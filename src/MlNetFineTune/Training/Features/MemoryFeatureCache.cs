using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

internal sealed record MemoryFeatureCache : FeatureCache
{
    private readonly int _megabytes;

    public MemoryFeatureCache(int megabytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(megabytes);
        _megabytes = megabytes;
    }

    internal override IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel) =>
        new MemoryFeatureStore(_megabytes);

    public override string ToString() => FormattableString.Invariant($"InMemory({_megabytes})");
}
