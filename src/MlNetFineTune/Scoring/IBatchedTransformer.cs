namespace MlNetFineTune.Scoring;

/// <summary>A transformer that computes rows in batches, as <see cref="ScoredDataView"/> does.</summary>
internal interface IBatchedTransformer
{
    /// <summary>Number of rows in one forward pass.</summary>
    int BatchSize { get; }
}
