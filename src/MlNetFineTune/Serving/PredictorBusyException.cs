namespace MlNetFineTune;

/// <summary>
/// The queue of a predictor is full and the row was not accepted. A web application should answer with status 503, so that the client
/// retries later.
/// </summary>
public sealed class PredictorBusyException : Exception
{
    internal PredictorBusyException(int queueCapacity)
        : base($"The predictor is busy: {queueCapacity} rows wait, "
            + $"as many as {nameof(PredictorOptions)}.{nameof(PredictorOptions.QueueCapacity)} allows. Try again later.") =>
        QueueCapacity = queueCapacity;

    /// <summary>Capacity of the queue in rows.</summary>
    public int QueueCapacity { get; }
}
