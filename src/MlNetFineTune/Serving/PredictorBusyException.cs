namespace MlNetFineTune;

/// <summary>The queue of a predictor is full and the row was not accepted. A web application
/// answers 503, and the client retries later.</summary>
public sealed class PredictorBusyException : Exception
{
    internal PredictorBusyException(int queueCapacity)
        : base($"The predictor is busy: {queueCapacity} rows wait, "
            + $"as many as {nameof(PredictorOptions)}.{nameof(PredictorOptions.QueueCapacity)} allows. Try again later.") =>
        QueueCapacity = queueCapacity;

    /// <summary>Capacity of the queue in rows, all of which was taken.</summary>
    public int QueueCapacity { get; }
}
