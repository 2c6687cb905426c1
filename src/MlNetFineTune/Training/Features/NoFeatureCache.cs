using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

internal sealed record NoFeatureCache : FeatureCache
{
    internal override IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel) =>
        throw new InvalidOperationException("Nothing is kept.");

    public override string ToString() => nameof(None);
}
