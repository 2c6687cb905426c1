using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class ManyCallers : Benchmark
{
    private const int Callers = 8;

    public override string Name => "predictor";

    public override string Question =>
        "Eight concurrent callers, each asking again when answered, ready 224 px images: "
        + "one Predictor against a PredictionEngine on a thread for each.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var small = SharedFiles.MobileNetV1Quarter();
        var ratio = Measure("MobileNetV1 0.25", small, () => new PlainMobileNetV1(0.25, Networks.Classes, small.Recipe.Epsilon),
            quick ? 8 : 64, quick);
        Measure("MobileNetV2", SharedFiles.MobileNetV2(), () => new PlainMobileNetV2(Networks.Classes), quick ? 4 : 16, quick);
        return ratio;
    }

    private static double Measure(string network, Backbone backbone, Func<nn.Module<Tensor, Tensor>> plain, int callsEach, bool quick)
    {
        using var images = new ReadyImages(backbone, plain, count: 4 * Callers);
        var options = new PredictorOptions();
        using var predictor = images.Context.Model.CreatePredictor<ReadyImages.Row, Prediction>(images.Model, options, images.Rows[0]);
        var engines = Enumerable.Range(0, Callers)
            .Select(_ => images.Context.Model.CreatePredictionEngine<ReadyImages.Row, Prediction>(
                images.Model, new PredictionEngineOptions { OwnsTransformer = false })).ToArray();
        var (ours, theirs) = (new ConcurrentBag<double>(), new ConcurrentBag<double>());

        const string library = "one Predictor", stock = "a PredictionEngine on each of 8 threads";
        var timing = new PairedTiming()
            .Add(library, () => Tasks(callsEach, (_, row) => predictor.PredictAsync(row), ours))
            .Add(stock, () => Threads(callsEach, (caller, row) => engines[caller].Predict(row), theirs));
        timing.Run(rounds: quick ? 2 : 12, quick);
        timing.Print(library, title: network);

        var batch = Enumerable.Range(0, quick ? 5 : 50).Select(_ => TimeOfBatch(images)).ToArray();
        var bound = options.MaxDelay.TotalMilliseconds + 2 * Quantile(batch, 0.99);
        BenchmarkRecorder.Print(new ResultTable([$"{network}, latency in ms", "p50", "p99", "mean batch", "promised"],
        [
            [library, Text(Quantile(ours, 0.5)), Text(Quantile(ours, 0.99)), Text(predictor.Metrics.MeanBatchSize), Text(bound)],
            [stock, Text(Quantile(theirs, 0.5)), Text(Quantile(theirs, 0.99)), "", ""],
        ]));
        Console.WriteLine($"promised: MaxDelay + 2 batches of {Callers} through Transform at their p99; "
            + $"p99 is {(Quantile(ours, 0.99) <= bound ? "within" : "NOT within")} it");
        foreach (var engine in engines)
            engine.Dispose();
        return timing.Ratio(library, stock);

        int Tasks(int calls, Func<int, ReadyImages.Row, Task> predict, ConcurrentBag<double> times)
        {
            Task.WaitAll([.. Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
            {
                for (var i = 0; i < calls; i++)
                {
                    var begin = Stopwatch.GetTimestamp();
                    await predict(caller, images.Rows[(caller + i * Callers) % images.Rows.Count]);
                    times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }))]);
            return Callers * calls;
        }

        int Threads(int calls, Action<int, ReadyImages.Row> predict, ConcurrentBag<double> times)
        {
            var threads = Enumerable.Range(0, Callers).Select(caller => new Thread(() =>
            {
                for (var i = 0; i < calls; i++)
                {
                    var begin = Stopwatch.GetTimestamp();
                    predict(caller, images.Rows[(caller + i * Callers) % images.Rows.Count]);
                    times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            })).ToArray();
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            return Callers * calls;
        }
    }

    private static double TimeOfBatch(ReadyImages images)
    {
        var view = images.Context.Data.LoadFromEnumerable(images.Rows.Take(Callers));
        var watch = Stopwatch.StartNew();
        _ = images.Context.Data.CreateEnumerable<Prediction>(images.Model.Transform(view), reuseRowObject: false).Count();
        return watch.Elapsed.TotalMilliseconds;
    }

    private static string Text(double number) => number.ToString("0.0", CultureInfo.InvariantCulture);

    private static double Quantile(IEnumerable<double> values, double quantile)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min((int)(quantile * sorted.Length), sorted.Length - 1)];
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }
}
