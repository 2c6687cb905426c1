using Microsoft.ML.Runtime;

namespace MlNetFineTune.Training;

internal sealed record NoFeatureCache : FeatureCache
{
    internal override IFeatureStore Open(FrozenNetwork network, FeatureLayout layout, IChannel channel) =>
        throw new InvalidOperationException("Nothing is kept.");

    public override string ToString() => nameof(None);
}
