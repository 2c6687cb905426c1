using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>Counts of a predictor since it was created, for health endpoints. Warm-up is not counted.</summary>
/// <param name="Waiting">Rows in the queue now.</param>
/// <param name="Batches">Batches that were scored.</param>
/// <param name="Rows">Rows in these batches, failed rows included.</param>
/// <param name="Failed">Rows that failed with an exception.</param>
/// <param name="Refused">Rows that were rejected because the queue was full.</param>
/// <param name="LongestBatch">Duration of the slowest batch; zero before the first.</param>
public sealed record PredictorMetrics(int Waiting, long Batches, long Rows, long Failed, long Refused, TimeSpan LongestBatch)
{
    /// <summary>Mean number of rows in a batch; 0 before the first.</summary>
    public double MeanBatchSize => Batches == 0 ? 0 : (double)Rows / Batches;

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
