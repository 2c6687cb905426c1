namespace MlNetFineTune;

/// <summary>A predictor's queue is full and the row was not taken: a web application answers 503 and
/// the client tries again later.</summary>
public sealed class PredictorBusyException : Exception
{
    internal PredictorBusyException(int queueCapacity)
        : base($"The predictor is busy: {queueCapacity} rows wait, "
            + $"as many as {nameof(PredictorOptions)}.{nameof(PredictorOptions.QueueCapacity)} allows. Try again later.") =>
        QueueCapacity = queueCapacity;

    /// <summary>Rows that waited.</summary>
    public int QueueCapacity { get; }
}
