using System.Collections;
using Microsoft.ML;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Serving;

/// <summary>The networks in a chain of transformers, nested chains included.</summary>
internal static class TransformerChains
{
    // For models without a network of this library: large enough to amortise the cost of a cursor.
    private const int OfOtherModels = 16;

    /// <summary>Number of rows in one forward pass: the minimum over all networks of the model.</summary>
    public static int BatchSizeOf(ITransformer model) => BatchSizesIn(model).DefaultIfEmpty(OfOtherModels).Min();

    /// <summary>The largest number of rows in a forward pass of a network of the model; 1 without a network of this library.</summary>
    public static int LargestBatchOf(ITransformer model) => BatchSizesIn(model).DefaultIfEmpty(1).Max();

    private static IEnumerable<int> BatchSizesIn(ITransformer model) => model switch
    {
        IBatchedTransformer network => [network.BatchSize],
        IEnumerable chain => chain.OfType<ITransformer>().SelectMany(BatchSizesIn),
        _ => [],
    };
}
