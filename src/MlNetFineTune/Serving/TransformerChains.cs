using System.Collections;
using Microsoft.ML;

namespace MlNetFineTune.Serving;

/// <summary>What is inside a chain of transformers, also inside chains in it.</summary>
internal static class TransformerChains
{
    // Where there is no network of ours: enough to share a cursor's cost.
    private const int OfOtherModels = 16;

    /// <summary>The rows that its networks take in one forward pass; of several, those of the one that takes fewest.</summary>
    public static int BatchSizeOf(ITransformer model) => NetworksIn(model).Select(network => network.BatchSize)
        .DefaultIfEmpty(OfOtherModels).Min();

    private static IEnumerable<FineTuningTransformer> NetworksIn(ITransformer model) => model switch
    {
        FineTuningTransformer network => [network],
        IEnumerable chain => chain.OfType<ITransformer>().SelectMany(NetworksIn),
        _ => [],
    };
}
