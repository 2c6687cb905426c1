using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>The time from the start of a process to its first score, in parts, and that of a prediction when all is warm.</summary>
internal sealed class ColdStart : Benchmark
{
    public override string Name => "cold-start";

    public override string Question =>
        "MobileNetV2, one photo: from the start of a process to the first score, in parts, each start in a new process; "
        + "and single predictions of a ready 224 px image when all is warm, with the network in libtorch and in ONNX Runtime; the ratio is "
        + "that of the latter (WithOnnxRuntime) over ONNX Runtime alone.";

    public override double Run(bool quick)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var (model, chain, graph) = (Path.Combine(folder.FullName, "model.zip"), Path.Combine(folder.FullName, "chain.zip"),
                Path.Combine(folder.FullName, "model.onnx"));
            Save(model, chain, graph);
            Starts(model, chain, graph, rounds: quick ? 1 : 7);
            return WarmPredictions(graph, quick);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Save(string model, string chain, string graph)
    {
        var ml = new MLContext();
        var view = ml.Data.LoadFromEnumerable(new List<ColdStartProcess.Photo> { new() });
        using var network = ReadyModel.Of(ml, SharedFiles.MobileNetV2(), view, nameof(ColdStartProcess.Photo.ImagePath));
        ml.Model.Save(network, view.Schema, model);
        ml.FineTuning.ExportOnnx(network, graph);
        var pipeline = ml.FineTuning.ToOnnxPipeline(network, view.Schema);
        using var owner = (IDisposable)pipeline;
        ml.Model.Save(pipeline, view.Schema, chain);
    }

    private static void Starts(string model, string chain, string graph, int rounds)
    {
        (string Name, string What, string File)[] candidates =
        [
            ("MlNetFineTune's model on TorchSharp", ColdStartProcess.Torch, model),
            ("the same, libtorch first", ColdStartProcess.InTurn, model),
            ("its chain of ToOnnxPipeline", ColdStartProcess.Chain, chain),
            ("ONNX Runtime alone, ready pixels", ColdStartProcess.Runtime, graph),
            ("a process of .NET that does nothing", ColdStartProcess.Empty, graph),
        ];
        var photo = Photos.Paths(1)[0];
        var starts = candidates.ToDictionary(one => one.What, _ => new List<ColdStartProcess.Result>());
        for (var round = -1; round < rounds; round++) // the first fills the system's cache of files, and is not counted
        {
            foreach (var (_, what, file) in candidates)
            {
                var start = StudyProcess.Run<ColdStartProcess.Result>(
                    ColdStartProcess.Name, what, file, photo, Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture));
                if (round >= 0)
                    starts[what].Add(start);
            }
        }
        BenchmarkRecorder.Print(new ResultTable(
            ["from the start of the process, ms", "total", "min", "max", ".NET", "libtorch", "model", "first", "warm"],
            [.. candidates.Select(one => Row(one.Name, starts[one.What]))]));
    }

    private static string[] Row(string name, List<ColdStartProcess.Result> starts)
    {
        double[] totals = [.. starts.Select(start => start.Parts.Sum())];
        return
        [
            name, Text(PairedTiming.Median(totals)), Text(totals.Min()), Text(totals.Max()),
            .. Enumerable.Range(0, 4).Select(part => part < starts[0].Parts.Length
                ? Text(PairedTiming.Median(starts.Select(start => start.Parts[part]))) : ""),
            starts[0].Warm > 0 ? Text(PairedTiming.Median(starts.Select(start => start.Warm)), "0.0") : "",
        ];
    }

    private static double WarmPredictions(string graph, bool quick)
    {
        var backbone = SharedFiles.MobileNetV2();
        using var images = new ReadyImages(backbone, () => new PlainMobileNetV2(Networks.Classes), count: 1);
        var ml = images.Context;
        var row = images.Rows[0];
        using var onnx = images.Model.WithOnnxRuntime();
        using var fast = ml.Model.CreatePredictor<ReadyImages.Row, Prediction>(onnx, example: row);
        using var predictor = ml.Model.CreatePredictor<ReadyImages.Row, Prediction>(images.Model, example: row);
        using var engine = ml.Model.CreatePredictionEngine<ReadyImages.Row, Prediction>(
            images.Model, new PredictionEngineOptions { OwnsTransformer = false });
        using var session = new InferenceSession(graph);
        using var pixels = new ReadyPixels(session);
        var encoded = new byte[3 * Networks.Size * Networks.Size];
        var scores = new float[Networks.Classes];

        var library = $"Predictor.Predict in {onnx.ScoringEngine} (WithOnnxRuntime)";
        const string torch = "Predictor.Predict in libtorch", peer = "ONNX Runtime alone, ready pixels";
        var timing = new PairedTiming()
            .AddRate(library, () => Rate(() => fast.Predict(row)))
            .AddRate(torch, () => Rate(() => predictor.Predict(row)))
            .AddRate("PredictionEngine.Predict in libtorch", () => Rate(() => engine.Predict(row)))
            .AddRate("its forward pass alone, encoded pixels", () => Rate(() => images.Model.Scorer.Score(encoded, 1, scores)))
            .AddRate(peer, () => Rate(pixels.Run))
            .Run(rounds: quick ? 3 : 25, quick);
        timing.Print(library);
        return timing.Ratio(library, peer);

        // Warm again: other candidates ran since, and the threads of some go on spinning for a while.
        static double Rate(Action predict)
        {
            Thread.Sleep(100);
            Repeat(5, predict);
            const int count = 20;
            var watch = Stopwatch.StartNew();
            Repeat(count, predict);
            return count / watch.Elapsed.TotalSeconds;
        }

        static void Repeat(int count, Action predict)
        {
            for (var i = 0; i < count; i++)
                predict();
        }
    }

    private static string Text(double seconds, string format = "0") => (1000 * seconds).ToString(format, CultureInfo.InvariantCulture);

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
