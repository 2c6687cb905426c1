using System.Collections.Concurrent;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>How a network runs in scoring, on any thread and with every API, and that this does not affect the saved file.</summary>
[TestClass]
public sealed class InferencePathTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EveryThreadThatScoresDoesSoInInferenceModeAndInChannelsLastLayout()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new WitnessFactory()), Epochs = 1 },
            SmallPictures.Take(2));
        Assert.IsTrue(WitnessFactory.Seen.Any(pass => pass is { IsInference: false, IsGradEnabled: true })
            && WitnessFactory.Seen.Any(pass => !pass.IsChannelsLast), "training, and its dry run, are seen as what they are");

        foreach (var (way, threads) in ScoreInEveryWay(model))
        {
            Assert.IsGreaterThanOrEqualTo(threads, way.Passes.Select(pass => pass.Thread).Distinct().Count(), way.Name);
            foreach (var pass in way.Passes)
                Assert.IsTrue(pass is { IsInference: true, IsGradEnabled: false, IsChannelsLast: true }, $"{way.Name}: {pass}");
        }
        Assert.IsTrue(is_grad_enabled(), "the caller's thread is as it was");
    }

    [TestMethod]
    public void EveryWayOfScoringUsesTheFoldedWeights()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 1, Adapter = Adapter.Lora(rank: 2) }, SmallPictures.Take(4));
        var test = SmallPictures.View(_ml, SmallPictures.Take(3));
        var before = SmallTraining.Scores(model.Transform(test));

        // Tensors that were folded or merged are no longer read: overwriting them has no effect.
        model.Scorer.Read(network =>
        {
            using var noGradients = no_grad();
            foreach (var (name, tensor) in network.NamedTensors()
                .Where(named => named.Name.Contains("bn", StringComparison.Ordinal)
                    || named.Name.Contains("lora", StringComparison.Ordinal)))
                tensor.fill_(float.NaN);
        });

        SmallTraining.AssertSameBits(before, SmallTraining.Scores(model.Transform(test)));
        using var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model, new PredictorOptions());
        var rows = ServedPhoto.Take(9);
        for (var i = 0; i < rows.Length; i++)
            SmallTraining.AssertClose([before[i], before[i]], [engine.Predict(rows[i]).Score, predictor.Predict(rows[i]).Score]);
    }

    [TestMethod]
    public void TheFileHasTheTensorsOfTrainingHoweverMuchWasScored()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 1, Adapter = Adapter.Lora(rank: 2) }, SmallPictures.Take(4));
        var before = Zip.Entry(SmallTraining.Save(_ml, model), "weights.safetensors");

        _ = ScoreInEveryWay(model).Count();

        var after = Zip.Entry(SmallTraining.Save(_ml, model), "weights.safetensors");
        CollectionAssert.AreEqual(before, after);

        // And they are those that trained: the network in training mode, nothing folded, gives what the model scores.
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
        using var scope = NewDisposeScope();
        var pixels = Formula.Images(4, 32, 32);
        var (folded, apart, names) = (Array.Empty<double>(), Array.Empty<double>(), Array.Empty<string>());
        model.Scorer.Read(network => folded = Logits(network, pixels));
        loaded.Scorer.Read(network =>
        {
            var classifier = (ImageNetwork)network;
            classifier.Freeze(frozenStages: 0); // unfolds
            apart = Logits(classifier, pixels);
            names = [.. classifier.NamedTensors().Select(named => named.Name)];
        });
        CollectionAssert.AreNotEqual(folded, apart, "one was folded, with its rounding");
        Fixture.AreClose(folded, apart, 1e-4, "logits");
        foreach (var name in (string[])[
            "bn1.running_var", "layer1.0.bn2.weight", "layer3.0.downsample.1.bias", "layer2.0.conv1.lora_A.weight",
            "layer2.0.conv1.weight"])
            CollectionAssert.Contains(names, name);
    }

    private static double[] Logits(FineTunedNetwork network, Tensor pixels)
    {
        using var inference = inference_mode();
        return network.ForwardRest(pixels, 0).Values();
    }

    // Each way of scoring, with the threads that it is sure to use at least.
    private IEnumerable<((string Name, Pass[] Passes) Way, int Threads)> ScoreInEveryWay(FineTuningTransformer model)
    {
        var rows = ServedPhoto.Take(40);
        var view = _ml.Data.LoadFromEnumerable(rows);
        yield return (Watch("Transform", () => SmallTraining.Scores(model.Transform(view))), 1);
        yield return (Watch("three threads", () => OnThreads(3, () => SmallTraining.Scores(model.Transform(view)))), 3);
        yield return (Watch("cursor set", () => OnCursors(model.Transform(view))), 1);
        yield return (Watch("PredictionEngine", () =>
        {
            using var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(
                model, new PredictionEngineOptions { OwnsTransformer = false });
            engine.Predict(rows[0]);
        }), 1);
        yield return (Watch("predictor", () =>
        {
            using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
                model, new PredictorOptions { Workers = 2, MaxBatchSize = 4 });
            OnThreads(4, () => predictor.Predict(rows[0]));
        }), 1);
    }

    private static (string Name, Pass[] Passes) Watch(string name, Action score)
    {
        WitnessFactory.Seen.Clear();
        score();
        return (name, [.. WitnessFactory.Seen]);
    }

    private static void OnThreads(int count, Action action)
    {
        using var together = new Barrier(count);
        var threads = Enumerable.Range(0, count).Select(_ => new Thread(() =>
        {
            together.SignalAndWait();
            action();
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }

    private static void OnCursors(IDataView scored)
    {
        var cursors = scored.GetRowCursorSet([scored.Schema["Score"]], 3);
        Parallel.ForEach(cursors, cursor =>
        {
            using var _ = cursor;
            var getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
            VBuffer<float> score = default;
            while (cursor.MoveNext())
                getter(ref score);
        });
    }
}

/// <summary>How a forward pass ran.</summary>
internal sealed record Pass(int Thread, long Rows, bool IsInference, bool IsGradEnabled, bool IsChannelsLast);

/// <summary>In the place of a stage: looks at what goes through, and halves the picture and doubles the
/// channels without parameters.</summary>
[ModuleFactory("witness")]
public sealed class WitnessFactory : ModuleFactory
{
    internal static ConcurrentQueue<Pass> Seen { get; } = new();

    public override nn.Module Create(ModuleContext context) => new Witness();

    private sealed class Witness() : nn.Module<Tensor, Tensor>(nameof(Witness))
    {
        public override Tensor forward(Tensor input)
        {
            var (channels, height, width) = (input.shape[1], input.shape[2], input.shape[3]);
            var isChannelsLast = input.stride().SequenceEqual([channels * height * width, 1, width * channels, channels]);
            using var half = nn.functional.avg_pool2d(input, 2);
            Seen.Enqueue(
                new(Environment.CurrentManagedThreadId, input.shape[0], is_inference_mode_enabled(), is_grad_enabled(), isChannelsLast));
            return cat([half, half], 1);
        }
    }
}
