using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Pruned networks from Fit to files and back, and what cannot be pruned.</summary>
[TestClass]
public sealed class PruningTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static IDataView Test(MLContext ml) => SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(8, skip: 20)));

    // Stopped before the first step: the model is what the training would begin with.
    private static ImageFineTuningOptions Untrained(Backbone backbone) =>
        SmallTraining.Options with { Backbone = backbone, StopToken = new CancellationToken(canceled: true) };

    private FineTuningTransformer Pruned(ITransformer earlier, float ratio = 0.5f) =>
        SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = Backbone.FromModel(earlier).Prune(ratio), Epochs = 2 },
            SmallPictures.Take(15));

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ATrainingBeginsWithWhatTheEarlierModelComputesWithoutTheseChannels(bool byBatchNormScale)
    {
        var norm = byBatchNormScale ? Backbone.PruningNorm.BatchNormScale : Backbone.PruningNorm.Filter;
        using var earlier = SmallTraining.LoadModel(_ml);
        var log = new LogLines(_ml);
        using var next = SmallTraining.Fit(
            _ml, Untrained(Backbone.FromModel(earlier).Prune(0.5f, byBatchNormScale)), SmallPictures.Take(4));
        StringAssert.Contains(log.ToString(), $"micro is pruned by 50 %, by the norm {norm}: 157,488 of its 302,864 parameters are left.");

        // By hand: the middle of each block without the half that is weaker.
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var whole = Backbone.FromModel(earlier).CreateNetwork(seed: 0);
        var tensors = whole.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);
        foreach (var (layer, width) in ((string, int)[])[("layer1.0", 32), ("layer2.0", 64), ("layer3.0", 128)])
        {
            var filters = tensors[$"{layer}.conv1.weight"];
            var worth = norm == Backbone.PruningNorm.Filter
                ? filters.Values().Chunk((int)(filters.numel() / width)).Select(filter => filter.Sum(Math.Abs))
                : tensors[$"{layer}.bn1.weight"].Values().Select(Math.Abs);
            foreach (var (channel, _) in worth.Index().OrderBy(one => one.Item).Take(width / 2))
            {
                tensors[$"{layer}.bn1.weight"][channel] = 0;
                tensors[$"{layer}.bn1.bias"][channel] = 0;
            }
        }
        whole.eval();
        var pixels = Formula.Images(4, 32, 32);
        var (expected, actual, before) = (Array.Empty<double>(), Array.Empty<double>(), Array.Empty<double>());
        next.Scorer.Read(network =>
        {
            expected = ((ImageNetwork)network).Head.forward(whole.forward(pixels)).Values();
            actual = network.ForwardRest(pixels, 0).Values();
        });
        earlier.Scorer.Read(network => before = network.ForwardRest(pixels, 0).Values());
        Fixture.AreClose(expected, actual, 1e-5, "logits");
        Assert.IsGreaterThan(1e-2, before.Zip(actual, (a, b) => Math.Abs(a - b)).Max(), "something went");
    }

    [TestMethod]
    public void WhatPruningCostsIsLearntAgainAndTheFileHasTheSmallerNetwork()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var pruned = Pruned(earlier);
        Assert.IsGreaterThan(0.85, _ml.MulticlassClassification.Evaluate(pruned.Transform(Test(_ml))).MicroAccuracy);

        var zip = SmallTraining.Save(_ml, pruned);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);
        var scores = SmallTraining.Scores(pruned.Transform(Test(_ml)));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(Test(_ml))));
        StringAssert.Contains(Encoding.UTF8.GetString(Zip.Entry(zip, "manifest.json")).ReplaceLineEndings("\n"), """
                "ChannelWidths": {
                  "layer1.0.conv1": 16,
                  "layer2.0.conv1": 32,
                  "layer3.0.conv1": 64
                }
            """.ReplaceLineEndings("\n").Trim());
        Assert.AreEqual(157_488, Backbone.FromModel(loaded).Measure().Parameters);
        Assert.IsLessThan(0.6 * SmallTraining.WeightsOf(earlier).Length, SmallTraining.WeightsOf(loaded).Length);
        var (first, second) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded)));
        foreach (var (name, bytes) in first)
            CollectionAssert.AreEqual(bytes, second[name], name);

        using var half = loaded.WithHalfPrecisionWeights();
        SmallTraining.AssertClose(scores, SmallTraining.Scores(half.Transform(Test(_ml))), 0.02f);
        pruned.Scorer.Read(network => Onnx.OnnxExportTests.Verify((ImageNetwork)network, 1e-4));
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetLoadsThePrunedModelAndGivesTheSameBits()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var pruned = Pruned(earlier);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(pruned, SmallPictures.View(_ml, SmallPictures.Take(1)).Schema, zip);
        var test = SmallPictures.Take(4, skip: 10);

        var printed = LoadOnly.Run([zip, .. test.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(pruned.Transform(SmallPictures.View(_ml, test)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void APrunedModelIsPrunedAgainAndItsWeightFileFitsItsForm()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var once = Pruned(earlier);
        using var twice = Pruned(once);
        Assert.AreEqual("layer1.0.conv1 8, layer2.0.conv1 16, layer3.0.conv1 32",
            string.Join(", ", ((IFineTunedModel)twice).AsSource().Definition.Widths.Pruned!.Select(group => $"{group.Key} {group.Value}")));
        using (var same = SmallTraining.Fit(_ml, Untrained(Backbone.FromModel(once)), SmallPictures.Take(2)))
            SmallTraining.AssertClose(SmallTraining.Scores(once.Transform(Test(_ml))),
                SmallTraining.Scores(same.Transform(Test(_ml))), 1e-6f);

        foreach (var file in (string[])["weights.safetensors", "weights.pth"])
        {
            var path = Path.Combine(SmallPictures.NewFolder(), file);
            once.SaveWeights(path);
            using var fromFile = Backbone.FromModel(once).WithWeights(path).CreateNetwork(seed: 9);
            once.Scorer.Read(network =>
            {
                foreach (var ((name, mine), (_, theirs)) in ((ImageNetwork)network).Backbone.NamedTensors().Zip(fromFile.NamedTensors()))
                    CollectionAssert.AreEqual(mine.Values(), theirs.Values(), name);
            });
        }
    }

    [TestMethod]
    public void AdaptersTrainOnAPrunedNetworkAndTheirFileFindsItAgain()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with
            {
                Backbone = Backbone.FromModel(earlier).Prune(0.25f),
                Adapter = Adapter.Lora(rank: 4),
                Epochs = 1
            }, SmallPictures.Take(6));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);

        using var applied = _ml.Model.LoadAdapter(path, Backbone.FromModel(earlier).Prune(0.25f));

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Test(_ml))), SmallTraining.Scores(applied.Transform(Test(_ml))));
        var error = Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(path, Backbone.FromModel(earlier)));
        StringAssert.Contains(error.Message, "pruned, not on micro");
    }

    [TestMethod]
    public void ATrainingThatWasStoppedGoesOnToTheSameBits()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        var photos = SmallPictures.Take(6);
        var options = SmallTraining.Options with { Backbone = Backbone.FromModel(earlier).Prune(0.5f), Epochs = 3 };
        using var whole = SmallTraining.Fit(_ml, options, photos);
        var checkpointed = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(SmallPictures.NewFolder()) };
        using var source = new CancellationTokenSource();
        var stop = new Watcher(progress =>
        {
            if (progress is { Activity: TrainingActivity.Training, Epoch: 2 })
                source.Cancel();
        });

        using var stopped = SmallTraining.Fit(_ml, checkpointed with { Progress = stop, StopToken = source.Token }, photos);
        using var resumed = SmallTraining.Fit(_ml, checkpointed, photos);

        Assert.AreEqual(TrainingReport.EndReason.Stopped, stopped.Report!.End);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
    }

    [TestMethod]
    public void StagesAreReplacedAndDrawnAnewBehindPruning()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        var backbone = Backbone.FromModel(earlier).Prune(0.5f).ReplaceStage("layer2", new SmallLayersFactory()).ReinitializeStage("layer3");
        Assert.AreEqual("micro (a model that began with random weights), pruned by 50 %, stage layer2 replaced by 'small layers', "
            + "stage layer3 drawn anew", backbone.ToString());
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = backbone, Epochs = 1 }, SmallPictures.Take(4));
        var other = new MLContext();
        other.ComponentCatalog.RegisterAssembly(typeof(SmallLayersFactory).Assembly);

        using var loaded = (FineTuningTransformer)other.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Test(_ml))), SmallTraining.Scores(loaded.Transform(Test(_ml))));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Backbone.FromModel(model).Prune(0.5f));
        StringAssert.Contains(error.Message, "Stage 'layer2' is replaced by layers of your own");
    }

    [TestMethod]
    public void WhatCannotBePrunedIsSaidWithTheReason()
    {
        var micro = Backbone.Micro.FromScratch();
        foreach (var ratio in (float[])[0, 1, -0.5f, 1.5f, float.NaN])
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => micro.Prune(ratio)).Message,
                "must be above 0 and below 1");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => micro.Prune(0.01f)).Message,
            "takes no channel out of micro");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => micro.Prune(0.5f, (Backbone.PruningNorm)7));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => micro.Prune(0.5f).Prune(0.5f)).Message,
            "micro (random weights), pruned by 50 %: it is pruned already");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(
            () => micro.ReplaceStage("layer1", new SmallLayersFactory()).Prune(0.5f)).Message, "Prune first");
        var names = (string[])["resnext", "regnety", "squeezenet", "convnext", "vit"];
        foreach (var backbone in names.Select(name => FixtureNetworks.Find(name, 1)))
            StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => backbone.Prune(0.5f)).Message,
                $"{backbone.Name} cannot be pruned");
        var script = Backbone.FromTorchScript(
            Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt"),
            new ImagePreprocessing { Size = 32 });
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => script.Prune(0.5f)).Message, "TorchScript");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => script.Measure()).Message,
            "a TorchScript program multiplies is not known");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(
            () => micro.ReplaceStage("layer1", new SmallLayersFactory()).Measure()).Message, "layers of your own");
        Assert.AreEqual(micro.Prune(0.5f), micro.Prune(0.5f));
        Assert.AreNotEqual(micro.Prune(0.5f), micro.Prune(0.75f));
        Assert.AreNotEqual(micro.Prune(0.5f), micro.Prune(0.5f, byBatchNormScale: true));
    }

    [TestMethod]
    public void AManifestWithChannelsThatThereCannotBeIsRefused()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var pruned = SmallTraining.Fit(_ml, Untrained(Backbone.FromModel(earlier).Prune(0.5f)), SmallPictures.Take(2));
        var zip = SmallTraining.Save(_ml, pruned);

        StringAssert.Contains(LoadFails(zip, widths => widths["layer1.0.conv1"] = 32), "cannot have been pruned to 32: there are 32");
        StringAssert.Contains(LoadFails(zip, widths => widths["layer1.0.conv1"] = 0), "cannot have been pruned to 0");
        StringAssert.Contains(LoadFails(zip, widths => widths["layer1.0.conv1"] = -8), "cannot have been pruned to -8");
        StringAssert.Contains(LoadFails(zip, widths => widths["layer1.0.conv2"] = 8), "no channels of 'layer1.0.conv2'");
        StringAssert.Contains(LoadFails(zip, widths => widths["layer1.0.conv1"] = 8), "layer1.0.conv1.weight");
        LoadFails(zip, widths => widths["layer1.0.conv1"] = "16 of them");
    }

    private string LoadFails(byte[] zip, Action<JsonNode> change)
    {
        var damaged = Zip.With(zip, "manifest.json", bytes =>
        {
            var manifest = JsonNode.Parse(bytes)!;
            change(manifest["Encoder"]!["ChannelWidths"]!);
            return Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        return ((InvalidDataException)Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _))
            .GetBaseException()).Message;
    }
}
