using MlNetFineTune.Primitives;







namespace MlNetFineTune;

/// <summary>What a predictor has done since it was made, for health endpoints. Warm-up is not counted.</summary>
/// <param name="Waiting">Rows in the queue now.</param>
/// <param name="Batches">Batches that ended.</param>
/// <param name="Rows">Rows in them.</param>
/// <param name="Failed">Of these, rows whose caller got an error.</param>
/// <param name="Refused">Rows that found the queue full.</param>
/// <param name="LongestBatch">The time of the slowest batch.</param>
public sealed record PredictorMetrics(int Waiting, long Batches, long Rows, long Failed, long Refused, TimeSpan LongestBatch)
{
    /// <summary>Rows of a batch, on average; 0 before the first.</summary>
    public double MeanBatchSize => Batches == 0 ? 0 : (double)Rows / Batches;

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
