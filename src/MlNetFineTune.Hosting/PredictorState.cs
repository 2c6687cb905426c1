namespace MlNetFineTune.Hosting;

/// <summary>What health and metrics say of a predictor. Thread-safe.</summary>
internal sealed class PredictorState(PredictorName name)
{
    private volatile Func<PredictorMetrics>? _metrics;
    private volatile HostedModel? _model;
    private volatile Exception? _failure;

    public PredictorName Name => name;

    /// <summary>Null before the start and after the end.</summary>
    public HostedModel? Model => _model;

    /// <summary>Why the newest file at the watched path does not serve; null where it does.</summary>
    public Exception? Failure
    {
        get => _failure;
        set => _failure = value;
    }

    /// <summary>Null before the start and after the end.</summary>
    public PredictorMetrics? Metrics => _metrics?.Invoke();

    public void Serve(HostedModel model, Func<PredictorMetrics> metrics) => (_model, _metrics) = (model, metrics);

    public void End() => (_model, _metrics) = (null, null);
}
