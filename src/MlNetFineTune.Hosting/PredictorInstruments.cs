using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MlNetFineTune.Hosting;

/// <summary>
/// Metrics and traces of all predictors of a host, named by the conventions of OpenTelemetry
/// (https://opentelemetry.io/docs/specs/semconv/general/naming/): durations in seconds, counts in annotated units, <c>error.type</c> with
/// the name of the exception's type.
/// </summary>
internal sealed class PredictorInstruments
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "MlNetFineTune.Hosting";

    private const string PredictorTag = "mlnetfinetune.predictor.name";
    private const string ModelTag = "mlnetfinetune.model.sha256";
    private const string ErrorTag = "error.type";

    private static readonly ActivitySource s_source = new(Name);

    private readonly object _lock = new(); // .NET 8 has no Lock
    private readonly List<PredictorState> _predictors = [];
    private readonly Histogram<double> _predictions;
    private readonly Histogram<double> _loads;

    public PredictorInstruments(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _predictions = meter.CreateHistogram("mlnetfinetune.predictor.prediction.duration", "s",
            "Duration of predictions, waiting included.", tags: null, new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
            });
        _loads = meter.CreateHistogram("mlnetfinetune.predictor.model_load.duration", "s",
            "Duration of putting a model into service: reading, warming up, and waiting for the last batch of the earlier model.",
            tags: null, new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100],
            });
        meter.CreateObservableUpDownCounter("mlnetfinetune.predictor.queue.length", () => Observe(metrics => metrics.Waiting),
            "{row}", "Rows that wait to be scored.");
        meter.CreateObservableCounter("mlnetfinetune.predictor.batches", () => Observe(metrics => metrics.Batches),
            "{batch}", "Batches that were scored.");
        meter.CreateObservableCounter("mlnetfinetune.predictor.rows", () => Observe(metrics => metrics.Rows),
            "{row}", "Rows in the batches that were scored.");
    }

    public void Add(PredictorState predictor)
    {
        lock (_lock)
            _predictors.Add(predictor);
    }

    public Measured Prediction(PredictorState predictor) => new(_predictions, predictor, "predict");

    public Measured Load(PredictorState predictor) => new(_loads, predictor, "load");

    private Measurement<long>[] Observe(Func<PredictorMetrics, long> value)
    {
        lock (_lock)
        {
            return [.. from predictor in _predictors
                let metrics = predictor.Metrics
                where metrics is not null
                select new Measurement<long>(value(metrics), new KeyValuePair<string, object?>(PredictorTag, predictor.Name.Tag))];
        }
    }

    /// <summary>One operation: a span, and a duration in a histogram.</summary>
    internal readonly struct Measured : IDisposable
    {
        private readonly Histogram<double> _durations;
        private readonly PredictorState _predictor;
        private readonly Activity? _span;
        private readonly long _start = Stopwatch.GetTimestamp();

        public Measured(Histogram<double> durations, PredictorState predictor, string operation)
        {
            (_durations, _predictor) = (durations, predictor);
            _span = s_source.HasListeners() ? s_source.StartActivity($"{operation} {predictor.Name.Tag}") : null;
            _span?.SetTag(PredictorTag, predictor.Name.Tag);
        }

        public void Succeed() => End(null);

        public void Fail(Exception e) => End(e);

        /// <summary>Ends the span.</summary>
        public void Dispose() => _span?.Dispose();

        private void End(Exception? failure)
        {
            var tags = new TagList { { PredictorTag, _predictor.Name.Tag } };
            if (failure is not null)
                tags.Add(ErrorTag, failure.GetType().FullName);
            _durations.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds, tags);
            if (_span is null)
                return;
            _span.SetTag(ModelTag, _predictor.Model?.Sha256);
            if (failure is null)
                return;
            _span.SetTag(ErrorTag, failure.GetType().FullName);
            _span.SetStatus(ActivityStatusCode.Error, failure.Message);
        }
    }
}
