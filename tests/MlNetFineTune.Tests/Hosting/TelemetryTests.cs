using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>Metrics and traces, read as OpenTelemetry reads them.</summary>
[TestClass]
public sealed class TelemetryTests : IDisposable
{
    private readonly HostedModels _models = new();
    private readonly ServedPhoto _photo = ServedPhoto.Take(1)[0];

    public void Dispose() => _models.Dispose();

    [TestMethod]
    public async Task MetricsHaveTheDocumentedNamesUnitsAndValues()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync(options =>
        {
            options.WatchModel = false;
            options.QueueCapacity = 1;
            options.Workers = 1;
        });
        using var meters = new Measurements(host.Services.GetRequiredService<IMeterFactory>());
        var predictor = HostedModels.PredictorOf(host);
        using var gate = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();

        await predictor.PredictAsync(_photo);
        var held = predictor.PredictAsync(ServedPhoto.Holding(gate, reached));
        Assert.IsTrue(reached.Wait(Patience.Limit));
        var waits = predictor.PredictAsync(_photo);
        await Assert.ThrowsAsync<PredictorBusyException>(() => predictor.PredictAsync(_photo));
        meters.Listener.RecordObservableInstruments();
        Assert.AreEqual(1, meters.LastOf("mlnetfinetune.predictor.queue.length"));
        gate.Set();
        await Task.WhenAll(held, waits);
        await predictor.SwitchAsync(_models.Path);
        await Assert.ThrowsAsync<IOException>(() => predictor.SwitchAsync(_models.Folder.File("nowhere.zip")));
        meters.Listener.RecordObservableInstruments();

        CollectionAssert.AreEqual(new[]
        {
            "mlnetfinetune.predictor.batches {batch}", "mlnetfinetune.predictor.model_load.duration s",
            "mlnetfinetune.predictor.prediction.duration s", "mlnetfinetune.predictor.queue.length {row}",
            "mlnetfinetune.predictor.rows {row}",
        }, meters.Instruments.Order(StringComparer.Ordinal).ToArray());
        Assert.AreEqual(3, meters.CountOf("mlnetfinetune.predictor.prediction.duration", error: null));
        Assert.AreEqual(1, meters.CountOf("mlnetfinetune.predictor.prediction.duration", "MlNetFineTune.PredictorBusyException"));
        Assert.AreEqual(1, meters.CountOf("mlnetfinetune.predictor.model_load.duration", error: null));
        Assert.AreEqual(1, meters.CountOf("mlnetfinetune.predictor.model_load.duration", "System.IO.FileNotFoundException"));
        Assert.AreEqual(3, meters.LastOf("mlnetfinetune.predictor.rows"));
        Assert.AreEqual(predictor.Metrics.Batches, meters.LastOf("mlnetfinetune.predictor.batches"));
        Assert.AreEqual(0, meters.LastOf("mlnetfinetune.predictor.queue.length"));
        Assert.IsTrue(meters.All.All(value => value.Tags["mlnetfinetune.predictor.name"] is "default"));
        Assert.IsTrue(meters.All.All(value => value.Value >= 0));
        await host.StopAsync();
    }

    [TestMethod]
    public async Task APredictionIsASpanOfTheRequestThatAskedForIt()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync(options => options.WatchModel = false);
        var predictor = HostedModels.PredictorOf(host);
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "MlNetFineTune.Hosting" or "request",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("request");

        using (var request = source.StartActivity("GET /classify"))
        {
            await predictor.PredictAsync(_photo);
            await Assert.ThrowsAsync<InvalidOperationException>(
                () => predictor.PredictAsync(new ServedPhoto("", () => throw new InvalidOperationException("this row is bad"))));
            Assert.AreSame(request, Activity.Current);
        }

        var (good, bad) = (spans.ElementAt(0), spans.ElementAt(1));
        Assert.AreEqual(("predict default", ActivityKind.Internal), (good.OperationName, good.Kind));
        Assert.AreEqual("GET /classify", good.Parent?.OperationName);
        Assert.AreEqual(predictor.Model.Sha256, good.GetTagItem("mlnetfinetune.model.sha256"));
        Assert.AreEqual(ActivityStatusCode.Unset, good.Status);
        Assert.AreEqual(ActivityStatusCode.Error, bad.Status);
        Assert.AreEqual("System.InvalidOperationException", bad.GetTagItem("error.type"));
        await host.StopAsync();
    }

    private sealed class Measurements : IDisposable
    {
        private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _all = new();
        private readonly ConcurrentQueue<string> _instruments = new();

        public Measurements(IMeterFactory factory)
        {
            Listener = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Meter.Name != "MlNetFineTune.Hosting" || instrument.Meter.Scope != factory)
                        return;
                    Assert.IsFalse(string.IsNullOrEmpty(instrument.Description), instrument.Name);
                    _instruments.Enqueue($"{instrument.Name} {instrument.Unit}");
                    listener.EnableMeasurementEvents(instrument);
                },
            };
            Listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            Listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            Listener.Start();
        }

        public MeterListener Listener { get; }

        public IReadOnlyList<string> Instruments => [.. _instruments];

        public IReadOnlyList<(string Name, double Value, Dictionary<string, object?> Tags)> All => [.. _all];

        public int CountOf(string name, string? error) =>
            All.Count(value => value.Name == name && (string?)value.Tags.GetValueOrDefault("error.type") == error);

        public double LastOf(string name) => All.Last(value => value.Name == name).Value;

        public void Dispose() => Listener.Dispose();

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            _all.Enqueue((instrument.Name, value, tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value)));
    }
}
