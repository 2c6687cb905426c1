using System.Text;
using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Replaced and reinitialised stages.</summary>
[TestClass]
public sealed class ReplaceStageTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static Backbone Replaced => SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory());

    [TestMethod]
    public void TheOtherStagesKeepTheirWeightsAndTheOldLayersAreGone()
    {
        using var before = ImageNetwork.Create(SmallTraining.Backbone, outputs: 3, seed: 5);
        using var after = ImageNetwork.Create(Replaced, outputs: 3, seed: 5);

        var old = before.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        foreach (var (name, tensor) in after.NamedTensors().Where(named => !named.Name.StartsWith("layer2.", StringComparison.Ordinal)))
            CollectionAssert.AreEqual(old[name], tensor.Values(), name);
        CollectionAssert.AreEquivalent(
            new[] { "layer2.conv.weight", "layer2.norm.weight", "layer2.norm.bias", "layer2.norm.running_mean", "layer2.norm.running_var" },
            after.NamedTensors().Select(named => named.Name).Where(name => name.StartsWith("layer2.", StringComparison.Ordinal)).ToArray());
        CollectionAssert.AreEqual(before.Stages.ToArray(), after.Stages.ToArray());
        Assert.AreEqual(2, after.StageOf("layer2.conv.weight"));
        Assert.AreEqual(3 * 3 * 32 * 64, after.NamedTensors().Single(named => named.Name == "layer2.conv.weight").Tensor.numel());
    }

    [TestMethod]
    public void TheNetworkRunsTheNewLayers()
    {
        using var before = ImageNetwork.Create(SmallTraining.Backbone, outputs: 3, seed: 5);
        using var after = ImageNetwork.Create(Replaced, outputs: 3, seed: 5);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        before.Backbone.eval();
        after.PrepareForScoring();
        var pixels = Formula.Images(2, 32, 32);
        var tensors = after.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);

        var convolved = nn.functional.conv2d(
            before.Backbone.Forward(pixels, 0, 2), tensors["layer2.conv.weight"], padding: [1, 1], strides: [2, 2]);
        var maps = (convolved / Math.Sqrt(1 + 1e-5)).relu();
        var expected = before.Head.forward(before.Backbone.Forward(maps, 3, 4));

        Fixture.AreClose(expected.Values(), after.ForwardRest(pixels, 0).Values(), 1e-5, "logit");
    }

    [TestMethod]
    public void WithTheHeadAloneTheNewLayersTrainToo()
    {
        using var before = ImageNetwork.Create(Replaced, outputs: 3, seed: 1);
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = Replaced, Strategy = Strategy.HeadOnly, Epochs = 1 }, SmallPictures.Take(4));

        model.Scorer.Read(network =>
        {
            var old = before.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
            foreach (var (name, tensor) in network.NamedTensors())
                Assert.AreEqual(name.StartsWith("layer2.", StringComparison.Ordinal)
                    || name.StartsWith("fc.", StringComparison.Ordinal), !old[name].SequenceEqual(tensor.Values()), name);
        });
        CollectionAssert.AreEqual(new[] { "layer2" }, model.Report!.TrainedStages.ToArray());
    }

    [TestMethod]
    public void ASavedModelComesBackWhereItsFactoryIsAndSaysSoWhereItIsNot()
    {
        var backbone = Replaced.ReinitializeStage("layer3") with { InputChannels = 1 };
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = backbone, Epochs = 8 }, SmallPictures.Take(15));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        Assert.IsGreaterThan(0.6, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy);
        var zip = SmallTraining.Save(_ml, model);

        var other = new MLContext();
        using var loaded = (FineTuningTransformer)other.Model.Load(new MemoryStream(zip), out _);
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        var (first, second) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded)));
        foreach (var (name, bytes) in first)
            CollectionAssert.AreEqual(bytes, second[name], name);

        var elsewhere = Zip.With(zip, "manifest.json", bytes =>
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes)
            .Replace("MlNetFineTune.Tests\"", "Not.Here\"", StringComparison.Ordinal)));
        var messages = "";
        Exception? error = Assert.Throws<Exception>(() => new MLContext().Model.Load(new MemoryStream(elsewhere), out _));
        for (; error is not null; error = error.InnerException)
            messages += error.Message;
        StringAssert.Contains(messages, "RegisterAssembly(typeof(MlNetFineTune.Tests.Networks.SmallLayersFactory).Assembly)");
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatRegistersTheFactoryGivesTheSameBits()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = Replaced, Epochs = 1 }, SmallPictures.Take(3));
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        File.WriteAllBytes(zip, SmallTraining.Save(_ml, model));
        var test = SmallPictures.Take(2, skip: 10);

        var printed =
            LoadOnly.Run(["--register", typeof(SmallLayersFactory).Assembly.Location, zip, .. test.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, test)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void LayersThatDropDrawFromTheTrainingsSeedAlone()
    {
        var options = SmallTraining.Options with
        {
            Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory { Dropout = 0.3 }),
            Epochs = 1
        };
        using var one = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        rand(5).Dispose(); // advances the global generator
        using var other = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(one), SmallTraining.WeightsOf(other));
    }

    [TestMethod]
    public void TheLastStageMayGiveOtherFeaturesAndAStageMayVanish()
    {
        using var wide = ImageNetwork.Create(
            SmallTraining.Backbone.ReplaceStage("layer3", new SmallLayersFactory { ExtraOutputs = 7 }), outputs: 3, seed: 1);
        Assert.AreEqual(135, wide.Backbone.Features);
        CollectionAssert.AreEqual(new long[] { 3, 135 }, ((LinearHead)wide.Head).weight.shape);

        using var tokens = ImageNetwork.Create(
            FixtureNetworks.Find("vit", 1).FromScratch().ReplaceStage("blocks.2", new SmallLayersFactory())
            .ReplaceStage("blocks.1", new NothingFactory()), outputs: 3, seed: 1);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        tokens.PrepareForScoring();
        var pixels = Formula.Images(2, 64, 64);
        var dense = tokens.NamedTensors().Where(named => named.Name.StartsWith("blocks.2.dense.", StringComparison.Ordinal))
            .Select(named => named.Tensor).ToList();
        var expected = nn.functional.linear(tokens.Backbone.Forward(pixels, 0, 2), dense[0], dense[1]).select(1, 0); // the class token
        Fixture.AreClose(expected.Values(), tokens.Backbone.forward(pixels).Values(), 1e-6, "feature");
    }

    [TestMethod]
    public void WhatDoesNotFitIsSaidBeforeAPictureIsRead()
    {
        StringAssert.Contains(FitFails(new SmallLayersFactory { ExtraOutputs = -1 }),
            "Module 'small layers' in the place of stage 'layer2' does not fit the layers above it in micro: "
            + "stage 'layer3' cannot take [2, 63, 4, 4].");
        AnyFactory.Make = _ => new Lambda(5, 5, (layer, maps) => layer.forward(maps));
        StringAssert.Contains(FitFails(new AnyFactory()),
            "Module 'any' in the place of stage 'layer2' fails on an input of shape [2, 32, 8, 8]: ");
        AnyFactory.Make = _ => new Lambda(5, 5, (_, maps) => maps.mean([2, 3]));
        StringAssert.Contains(FitFails(new AnyFactory()),
            "gives Float32 of shape [2, 32] for an input of shape [2, 32, 8, 8]; "
            + "the layers in whose place it is gave Float32 of shape [2, 64, 4, 4].");
        AnyFactory.Make = _ => new Lambda(5, 5, (_, maps) => maps[..1]);
        StringAssert.Contains(FitFails(new AnyFactory()), "gives Float32 of shape [1, 32, 8, 8]");
        AnyFactory.Make = _ => throw new InvalidOperationException("no idea");
        StringAssert.Contains(FitFails(new AnyFactory()), "The factory of module 'any' (AnyFactory) failed: no idea");
        AnyFactory.Make = context => new Embedded(
            new ModuleContext([new ModuleContext.InputShape("a", [4]), new ModuleContext.InputShape("b", [], 3)], 2));
        StringAssert.Contains(FitFails(new AnyFactory()),
            "What the factory of Module 'any' in the place of stage 'layer2' made is a MlNetFineTune.Tests.Support.Embedded");

        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => Backbone.Micro.ReplaceStage("layer9", new SmallLayersFactory())).Message,
            "micro has no stage 'layer9'; it has: stem, layer1, layer2, layer3.");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Replaced.ReinitializeStage("layer2")).Message,
            "Stage 'layer2' was changed before.");
    }

    [TestMethod]
    public void TheContextTellsWhatEntersAndWhatMustLeave()
    {
        ModuleContext? seen = null;
        AnyFactory.Make = context =>
        {
            seen = context;
            return new SmallLayers(context.Inputs[0].Dimensions[0], context.Outputs, 2, 0);
        };
        using var classifier = ImageNetwork.Create(
            SmallTraining.Backbone.ReplaceStage("stem", new AnyFactory()) with { InputChannels = 1 }, outputs: 3, seed: 1);
        Assert.AreEqual("stem", seen!.Inputs.Single().Column);
        CollectionAssert.AreEqual(new long[] { 1, 32, 32 }, seen.Inputs.Single().Dimensions.ToArray());
        Assert.AreEqual(16, seen.Outputs);
    }

    [TestMethod]
    public void AStageDrawnAnewHasTheWeightsOfANewNetworkAndTheOthersKeepTheirs()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var path = Path.Combine(SmallPictures.NewFolder(), "pretrained.safetensors");
        model.SaveWeights(path);
        using var pretrained = ImageNetwork.Create(Backbone.Micro.WithWeights(path), outputs: 3, seed: 9);
        using var scratch = ImageNetwork.Create(SmallTraining.Backbone, outputs: 3, seed: 9);
        using var changed = ImageNetwork.Create(Backbone.Micro.WithWeights(path).ReinitializeStage("layer3"), outputs: 3, seed: 9);

        var (kept, drawn) = (Values(pretrained), Values(scratch));
        foreach (var (name, values) in Values(changed))
        {
            CollectionAssert.AreEqual((name.StartsWith("layer3.", StringComparison.Ordinal) ? drawn : kept)[name], values, name);
            Assert.IsTrue(name.StartsWith("fc.", StringComparison.Ordinal) || !kept[name].SequenceEqual(drawn[name]), name);
        }
    }

    [TestMethod]
    public void BackbonesWithTheSameChangesAreEqual()
    {
        Assert.AreEqual(Replaced, Replaced);
        Assert.AreNotEqual(Replaced, SmallTraining.Backbone);
        Assert.AreNotEqual(Replaced, SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory { Dropout = 0.5 }));
        Assert.AreNotEqual(Replaced, SmallTraining.Backbone.ReinitializeStage("layer2"));
        Assert.AreEqual("micro (random weights), stage layer2 replaced by 'small layers', stage stem drawn anew",
            Replaced.ReinitializeStage("stem").ToString());
    }

    [TestMethod]
    public void AdaptersLeaveNewLayersToThemselvesAndTakeThemAlong()
    {
        var backbone = Replaced.ReinitializeStage("layer1");
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = backbone, Adapter = Adapter.Lora(rank: 2), Epochs = 1 }, SmallPictures.Take(4));
        model.Scorer.Read(network => CollectionAssert.AreEqual(
            new[] { "conv1", "layer3.0.conv1", "layer3.0.conv2", "layer3.0.downsample.0" },
            ((ImageNetwork)network).Backbone.Adapters.Layers.ToArray()));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);

        using var applied = _ml.Model.LoadAdapter(path, backbone);

        var test = SmallPictures.View(_ml, SmallPictures.Take(3));
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(applied.Transform(test)));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(path, SmallTraining.Backbone)).Message,
            "was trained on micro (random weights), stage layer2 replaced by 'small layers', stage layer1 drawn anew, "
                + "not on micro (random weights)");
    }

    private string FitFails(ModuleFactory factory)
    {
        var options = SmallTraining.Options with { Backbone = SmallTraining.Backbone.ReplaceStage("layer2", factory) };
        return Assert.Throws<Exception>(
            () => SmallTraining.Fit(_ml, options,
                SmallPictures.Take(2).Select(photo => new Photo { Label = photo.Label, ImagePath = "not there.png" })).Dispose()).Message;
    }

    private static Dictionary<string, double[]> Values(ImageNetwork classifier) =>
        classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
}
