using Microsoft.ML;

namespace MlNetFineTune.Scoring;

/// <summary>A transformer that computes rows in batches, as <see cref="ScoredDataView"/> does.</summary>
internal interface IBatchedTransformer : ITransformer
{
    /// <summary>Number of rows in one forward pass.</summary>
    int BatchSize { get; }
}
