using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>Counts of a predictor since it was created, for health endpoints. Warm-up is not counted.</summary>
/// <param name="Waiting">Rows in the queue now.</param>
/// <param name="Batches">Batches that were scored.</param>
/// <param name="Rows">Rows in these batches.</param>
/// <param name="Failed">Rows of these that failed with an exception.</param>
/// <param name="Refused">Rows that were refused because the queue was full.</param>
/// <param name="LongestBatch">Duration of the slowest batch.</param>
public sealed record PredictorMetrics(int Waiting, long Batches, long Rows, long Failed, long Refused, TimeSpan LongestBatch)
{
    /// <summary>Mean number of rows of a batch; 0 before the first.</summary>
    public double MeanBatchSize => Batches == 0 ? 0 : (double)Rows / Batches;

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
