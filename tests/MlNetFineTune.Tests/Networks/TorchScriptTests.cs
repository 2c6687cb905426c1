using System.Text;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Networks exported from PyTorch (tools/reference/torchscript_fixture.py), compared with PyTorch's outputs.</summary>
[TestClass]
public sealed class TorchScriptTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("torchscript.json");
    private static readonly ImagePreprocessing s_small = new()
    {
        Size = 32,
        CropFraction = 1,
        Mean = ColorTriple.Half,
        Std = ColorTriple.Half
    };
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Runs => Enumerable.Range(0, s_fixture.GetProperty("runs").GetArrayLength())
        .Select(
            index => new object[] { index,
                $"{s_fixture.GetProperty("runs")[index].Text("script")} {s_fixture.GetProperty("runs")[index].GetProperty("trained")}" });

    [TestMethod]
    [DataRow("scripted.pt", "features")]
    [DataRow("traced.pt", "features")]
    [DataRow("maps.pt", "pooledMaps")]
    public void FeaturesArePyTorchs(string file, string expected)
    {
        using var scope = NewDisposeScope();
        using var network = Of(file).CreateNetwork(seed: 1);
        Assert.AreEqual(6, network.Features);
        for (var run = 0; run < 3; run++) // libtorch recompiles after the first run
            Fixture.AreClose(s_fixture.GetProperty(expected).Numbers(), network.forward(Formula.Images(2, 32, 32)).Values(), 1e-5,
                $"{expected} {run}");
    }

    [TestMethod]
    public void StagesAreTheChildrenThatHoldTensors()
    {
        CollectionAssert.AreEqual(new[] { "conv1", "bn1", "layer1" }, Of("scripted.pt").Stages.ToArray());
        CollectionAssert.AreEqual(new[] { "conv1", "bn1", "layer1" }, Of("traced.pt").Stages.ToArray());
        CollectionAssert.AreEqual(new[] { "network" }, Of("maps.pt").Stages.ToArray());
    }

    [TestMethod]
    public void AProgramCannotBeChangedButATrainingContinuesFromIt()
    {
        var program = Of("scripted.pt");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => program.ReplaceStage("bn1", new TwoLayersFactory())).Message,
            "A TorchScript program runs as a whole");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => program.ReinitializeStage("bn1")).Message,
            "A TorchScript program runs as a whole");
        var options = SmallTraining.Options with { Backbone = program, Epochs = 1 };
        var adapted = options with { Adapter = Adapter.Lora() };
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => SmallTraining.Fit(_ml, adapted, SmallPictures.Take(2))).Message,
            "not programs of TorchScript");

        using var earlier = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        using var next = SmallTraining.Fit(
            _ml, options with { Backbone = Backbone.FromModel(earlier), StopToken = new CancellationToken(canceled: true) },
            SmallPictures.Take(4));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(earlier), SmallTraining.WeightsOf(next));
    }

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void FiveStepsArePyTorchs(int index, string run)
    {
        var expected = s_fixture.GetProperty("runs")[index];
        var trained = expected.GetProperty("trained").GetArrayLength();
        using var classifier = ImageNetwork.Create(Of(expected.Text("script") + ".pt"), outputs: 3, seed: 1);
        Formula.Fill("head.weight", ((LinearHead)classifier.Head).weight);
        Formula.Fill("head.bias", ((LinearHead)classifier.Head).bias);
        var strategy = trained == 0 ? Strategy.HeadOnly : trained == 1 ? Strategy.LastStages(1, layerDecay: 1)
            : Strategy.Full(layerDecay: 1);
        var part = strategy.Resolve(classifier.Name, classifier.Stages, epochs: 1).Resolve(classifier).Phases.Single();
        var frozen = part.FrozenStages;
        var before = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        using (var state = Optimizer.Sgd(momentum: 0.9f, nesterov: false, weightDecay: 0)
            .CreateState(ParameterGroups.Apply(part, classifier)))
        {
            classifier.Freeze(frozen);
            classifier.BeginTraining(frozen);
            var losses = new List<double>();
            for (var step = 0; step < 5; step++)
            {
                using var scope = NewDisposeScope();
                var labels = tensor(Enumerable.Range(step, 4).Select(k => (long)(k % 3)).ToArray());
                var loss = nn.functional.cross_entropy(
                    classifier.ForwardInTraining(Formula.Images(4, 32, 32, 1000 * step), 0, seed: 1, step), labels);
                state.ZeroGradients();
                loss.backward();
                if (step == 0)
                    CompareGradients(expected, classifier);
                state.Step(0.05);
                losses.Add(loss.Values()[0]);
            }
            state.ZeroGradients();
            Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-4, $"loss of {run}");
        }

        var after = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        foreach (var one in expected.GetProperty("tensors").EnumerateObject())
            Fixture.AreClose(one.Value.Numbers(), after[one.Name], 1e-4, one.Name);
        foreach (var (name, values) in before.Where(one => classifier.StageOf(one.Key) < frozen))
            CollectionAssert.AreEqual(values, after[name], $"{name} is frozen");
        if (trained > 0)
            Assert.AreEqual(expected.Text("script") == "scripted", !before["layer1.1.running_mean"]
                .SequenceEqual(after["layer1.1.running_mean"]), "a trace was made in inference mode");
    }

    [TestMethod]
    public void TwoNetworksOfOneFileAreIndependentAndTheFileIsNotNeededAgain()
    {
        using var folder = new Folder();
        var path = folder.File("copy.pt");
        File.Copy(PathOf("scripted.pt"), path);
        var backbone = Backbone.FromTorchScript(path, s_small);
        File.Delete(path);
        using var scope = NewDisposeScope();
        using var first = backbone.CreateNetwork(seed: 1);
        using var second = backbone.CreateNetwork(seed: 2);
        using (no_grad())
            first.NamedTensors()[0].Tensor.zero_();
        first.SetTraining(0);
        first.forward(Formula.Images(2, 32, 32)).Dispose();
        first.Dispose();
        Fixture.AreClose(s_fixture.GetProperty("features").Numbers(), second.forward(Formula.Images(2, 32, 32)).Values(), 1e-5, "features");
    }

    [TestMethod]
    [DataRow("scripted.pt")]
    [DataRow("traced.pt")]
    public void AModelIsTrainedSavedLoadedAndScoresTheSame(string file)
    {
        var options = SmallTraining.Options with { Backbone = Of(file), Epochs = 12, LearningRate = 0.02f };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(10));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        Assert.IsGreaterThan(0.7, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy);

        var zip = SmallTraining.Save(_ml, model);
        CollectionAssert.AreEqual(File.ReadAllBytes(PathOf(file)), Zip.Entry(zip, "network.pt"));
        using var manifest = JsonDocument.Parse(Zip.Entry(zip, "manifest.json"));
        Assert.AreEqual("torchscript", manifest.RootElement.GetProperty("Encoder").GetProperty("Name").GetString());
        Assert.AreEqual(file, manifest.RootElement.GetProperty("Encoder").GetProperty("SourceWeights").GetString());

        var log = new LogLines(_ml);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);
        Assert.IsEmpty(log.Warnings);
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(model.Transform(test)), SmallTraining.PredictedKeys(loaded.Transform(test)));
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Scored>(loaded, new PredictionEngineOptions { OwnsTransformer = false });
        SmallTraining.AssertClose([SmallTraining.Scores(model.Transform(test))[0]],
            [engine.Predict(SmallPictures.Take(1, skip: 20)[0]).Score!]);
        var again = SmallTraining.Save(_ml, loaded);
        CollectionAssert.AreEqual(Zip.Entry(zip, "weights.safetensors"), Zip.Entry(again, "weights.safetensors"));
        CollectionAssert.AreEqual(Zip.Entry(zip, "network.pt"), Zip.Entry(again, "network.pt"));

        StringAssert.Contains(LoadFails(Zip.With(zip, "network.pt", _ => null)).Message, "it has no network.pt");
        StringAssert.Contains(LoadFails(Zip.With(zip, "network.pt", bytes => [.. bytes.Reverse()])).Message,
            "the SHA-256 of network.pt is");
    }

    [TestMethod]
    public void SavedWeightsGoOverTheProgramsOwn()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = Of("scripted.pt") }, SmallPictures.Take(4));
        using var folder = new Folder();
        var path = folder.File("mine.safetensors");
        model.SaveWeights(path);
        using var trained = Of("scripted.pt").WithWeights(path).CreateNetwork(seed: 1);
        using var own = Of("scripted.pt").CreateNetwork(seed: 1);
        Assert.IsFalse(own.NamedTensors()[0].Tensor.Values().SequenceEqual(trained.NamedTensors()[0].Tensor.Values()));
    }

    [TestMethod]
    [DataRow("dropout.pt", true)]
    [DataRow("scripted.pt", false)]
    public void TheSameSeedGivesTheSameWeightsAndTorchsGeneratorIsLeftAlone(string file, bool headToo)
    {
        var options = SmallTraining.Options with { Backbone = Of(file), Strategy = headToo ? Strategy.Full(1) : Strategy.HeadOnly };
        using var state = random.get_rng_state();
        using var first = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        using var after = random.get_rng_state();
        CollectionAssert.AreEqual(state.Values(), after.Values());
        random.manual_seed(77).Dispose();
        using var second = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
    }

    [TestMethod]
    [DataRow("pair.pt", "gives no tensor, but several")]
    [DataRow("one-picture.pt", "for 2 pictures; expected Float32 features [2, F]")]
    [DataRow("in-training-mode.pt", "works in training mode even when told to infer")]
    [DataRow("frozen.pt", "has no parameters, so nothing in it can train")]
    public void AProgramThatCannotBeFineTunedIsRefusedAndSaysWhy(string file, string message)
    {
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Of(file));
        StringAssert.Contains(error.Message, message);
        StringAssert.Contains(error.Message, file);
    }

    [TestMethod]
    public void AProgramThatFailsIsNamedWithItsReason()
    {
        using var folder = new Folder();
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => Backbone.FromTorchScript(Path.Combine(PathOf(".."), "weight-files", "script.pt"), s_small));
        StringAssert.Contains(error.Message,
            "fails on pixels of shape [2, 3, 32, 32]: RuntimeError: mat1 and mat2 shapes cannot be multiplied");
    }

    [TestMethod]
    public void WhatIsNoTorchScriptIsSaidAndWhatToDo()
    {
        using var folder = new Folder();
        var missing = Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.FromTorchScript(folder.File("none.pt")));
        StringAssert.Contains(missing.Message, "none.pt");
        StringAssert.Contains(missing.Message, "torch.jit.trace(");

        File.WriteAllBytes(folder.File("garbage.pt"), Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("no program ", 99))));
        File.WriteAllBytes(folder.File("empty.pt"), []);
        File.WriteAllBytes(folder.File("cut.pt"), File.ReadAllBytes(PathOf("scripted.pt"))[..9000]);
        File.Copy(Path.Combine(PathOf(".."), "weight-files", "whole-module.pth"), folder.File("whole.pt"));
        foreach (var name in new[] { "garbage.pt", "cut.pt", "whole.pt" })
            Refused(folder.File(name), "is no TorchScript program, or it is damaged");
        Refused(folder.File("empty.pt"), "the file is empty");

        File.Copy(Path.Combine(PathOf(".."), "weight-files", "plain.pth"), folder.File("state.pt"));
        Refused(folder.File("state.pt"), "holds weights alone, without the network");
        using (var model = SmallTraining.LoadModel(_ml))
            model.SaveWeights(folder.File("mine.safetensors"));
        Refused(folder.File("mine.safetensors"), "holds weights alone, without the network");

        static void Refused(string path, string message)
        {
            var error = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.FromTorchScript(path));
            StringAssert.Contains(error.Message, message);
            StringAssert.Contains(error.Message, Path.GetFileName(path));
            StringAssert.Contains(error.Message, "torch.jit.trace(");
        }
    }

    [TestMethod]
    public void WhatAProgramCannotDoIsRefused()
    {
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Of("scripted.pt").FromScratch()).Message,
            "comes with its weights");
        Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromName("torchscript"));
        Assert.ThrowsExactly<ArgumentException>(() => Of("scripted.pt") with { Padding = Backbone.ConvolutionPadding.TensorFlowSame });
        Assert.ThrowsExactly<ArgumentException>(() => Of("scripted.pt") with { InputChannels = 1 });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => Strategy.LastStages(4).Resolve("torchscript", Of("scripted.pt").Stages, epochs: 1)).Message, "conv1, bn1, layer1");
        Assert.AreEqual("torchscript (scripted.pt)", Of("scripted.pt").ToString());
        Assert.AreEqual(Of("scripted.pt"), Of("scripted.pt"));
        Assert.AreNotEqual(Of("scripted.pt"), Of("traced.pt") with { Preprocessing = s_small });
    }

    private static void CompareGradients(JsonElement expected, ImageNetwork classifier)
    {
        var parameters = classifier.Backbone.named_parameters().ToDictionary(named => named.name, named => named.parameter);
        foreach (var one in expected.GetProperty("gradients").EnumerateObject())
            Fixture.AreClose(one.Value.Numbers(), parameters[one.Name].grad!.Values(), 1e-4, $"gradient of {one.Name}");
        Assert.HasCount(parameters.Values.Count(parameter => parameter.requires_grad),
            expected.GetProperty("gradients").EnumerateObject().ToArray());
    }

    private InvalidDataException LoadFails(byte[] zip) =>
        (InvalidDataException)Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _)).GetBaseException();

    private static Backbone Of(string file) => Backbone.FromTorchScript(PathOf(file), s_small);

    private static string PathOf(string name) =>
        Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", name);

    private sealed class Scored
    {
        public float[]? Score { get; set; }
    }
}
