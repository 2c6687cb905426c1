using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Adapters beside the layers of a user's module.</summary>
[TestClass]
public sealed class ModuleLoraTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(60);

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Kinds => [["Deep", "in, mid"], ["Convolutions", "conv2"], ["Custom", "wide, narrow"]];

    public static IEnumerable<object[]> KindsAndPictures => [.. Kinds, ["Pictures", "conv1, conv2"]];

    [TestMethod]
    [DynamicData(nameof(KindsAndPictures))]
    public void OutputsAndGradientsAreThoseOfTheWeightsWithTheProductAdded(string kind, string layers)
    {
        TorchLayers.Count(context => new TorchLayersFactory { Kind = kind }.Create(context), count =>
        {
            AnyFactory.Make = context => new TorchLayersFactory { Kind = kind }.Create(context);
            count(2);
            using var network = Create(kind);
            using var merged = Create(kind);
            string[] names = layers.Split(", ");
            Adapter.LoraAdapter.Attach(network, names, rank: 2, alpha: 3, dropout: 0);
            network.Freeze(0); // drops nothing
            merged.Freeze(0);
            using var scope = NewDisposeScope();
            foreach (var (name, parameter) in network.NamedParameters())
            {
                using var noGradients = no_grad();
                if (name.Contains("lora_", StringComparison.Ordinal))
                    parameter.copy_(tensor(Formula.Values(name, parameter.shape), parameter.shape));
                parameter.requires_grad_(name.Contains("lora_", StringComparison.Ordinal));
            }
            // By hand: W + 3 / 2 B A in the other network's own weights.
            var tensors = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);
            foreach (var name in names)
            {
                using var noGradients = no_grad();
                var product = tensors[$"{name}.lora_B.weight"].flatten(1).mm(tensors[$"{name}.lora_A.weight"].flatten(1));
                var weight = merged.NamedTensors().Single(named => named.Name == $"{name}.weight").Tensor;
                weight.add_(product.mul(1.5).view(weight.shape));
            }
            var input = Inputs(kind, 7);

            var (outputs, expected) = (network.ForwardRest(input, 0), merged.ForwardRest(input, 0));
            Fixture.AreClose(expected.Values(), outputs.Values(), 1e-5, "output");
            outputs.square().sum().backward();
            expected.square().sum().backward();

            foreach (var name in names)
            {
                // dA = 3 / 2 B' G and dB = 3 / 2 G A', where G is the gradient of the whole weight.
                var gradient = merged.NamedParameters().Single(named => named.Name == $"{name}.weight").Parameter.grad!.flatten(1);
                var (a, b) = (tensors[$"{name}.lora_A.weight"], tensors[$"{name}.lora_B.weight"]);
                Fixture.AreClose(b.flatten(1).t().mm(gradient).mul(1.5).Values(), a.grad!.Values(), 1e-4, $"{name}: gradient of A");
                Fixture.AreClose(gradient.mm(a.flatten(1).t()).mul(1.5).Values(), b.grad!.Values(), 1e-4, $"{name}: gradient of B");
                Assert.IsGreaterThan(1e-3, a.grad!.abs().max().item<float>(), "a gradient of nothing proves nothing");
                a.grad = b.grad = null;
            }
            foreach (var (_, parameter) in merged.NamedParameters())
                parameter.grad = null;

            // Merged for scoring, and apart again: the layer's own weight is untouched.
            var before = tensors[$"{names[0]}.weight"].Values();
            network.PrepareForScoring();
            merged.PrepareForScoring();
            using (no_grad())
                Fixture.AreClose(merged.ForwardRest(input, 0).Values(), network.ForwardRest(input, 0).Values(), 1e-5, "merged output");
            CollectionAssert.AreEqual(before, network.NamedTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values());
            Fixture.AreClose(
                merged.NamedTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values(),
                network.PlainTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values(), 1e-6, "merged weight");
            network.Freeze(0);
            CollectionAssert.AreEqual(before,
                network.NamedParameters().Single(named => named.Name == $"{names[0]}.weight").Parameter.Values());
        });
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void AModelWithAdaptersLearnsAndComesBackFromItsZipAndFromItsAdapterAlone(string kind, string layers)
    {
        TorchLayers.Count(context => new TorchLayersFactory { Kind = kind }.Create(context), count =>
        {
            var factory = new TorchLayersFactory { Kind = kind };
            var options = Options(kind) with
            {
                Factory = factory,
                Adapter = Adapter.Lora(rank: 2, targets: layers.Split(", "), dropout: 0.1f),
                Epochs = 12
            };
            using var model = Fit(options);
            using var again = Fit(options);
            var test = SmallModules.View(_ml, TableRow.Many(40, seed: 9));
            var scores = SmallTraining.Scores(model.Transform(test));
            CollectionAssert.AreEqual(SmallModules.WeightsOf(model), SmallModules.WeightsOf(again), "the same seed");
            Assert.IsGreaterThan(0.8, _ml.MulticlassClassification.Evaluate(model.Transform(test), labelColumnName: "Kind").MicroAccuracy);

            using var loaded = SmallModules.Reload(_ml, model);
            SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(test)));
            using var half = model.WithHalfPrecisionWeights();
            SmallTraining.AssertClose(scores, SmallTraining.Scores(half.Transform(test)), 0.02f);

            using var folder = new Folder();
            model.SaveAdapter(folder.File("adapter.safetensors"));
            using var applied = _ml.Model.LoadAdapter(folder.File("adapter.safetensors"), factory);
            SmallTraining.AssertSameBits(scores, SmallTraining.Scores(applied.Transform(test)));
            using var file = WeightFile.Open(folder.File("adapter.safetensors"));
            CollectionAssert.AreEquivalent(
                layers.Split(", ").SelectMany(layer => (string[])[$"{layer}.lora_A.weight", $"{layer}.lora_B.weight"])
                    .Concat(["head.weight", "head.bias"]).ToArray(),
                file.Entries.Select(entry => entry.Name).ToArray());

            // What the pretrained module was is untouched, statistics of norms included.
            using var untrained = Fit(options with { StopToken = new CancellationToken(canceled: true) });
            var (before, after) = (Tensors(untrained), Tensors(model));
            foreach (var (name, values) in before.Where(
                named => !named.Key.Contains("lora_", StringComparison.Ordinal) && !named.Key.StartsWith("head", StringComparison.Ordinal)))
                CollectionAssert.AreEqual(values, after[name], name);

            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(
                    () => _ml.Model.LoadAdapter(folder.File("adapter.safetensors"), new TorchLayersFactory { Kind = "Other" })).Message,
                "was trained on module 'torch layers' with settings");
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(
                    () => _ml.Model.LoadAdapter(folder.File("adapter.safetensors"), SmallTraining.Backbone)).Message,
                "is not one of an image network");
            count(6);
        });
    }

    [TestMethod]
    public void AnAdapterGoesOnWeightsOfAFileAndRefusesOthers()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            using var folder = new Folder();
            var options = Options("Deep") with { Factory = new TorchLayersFactory() };
            using (var pretrained = Fit(options))
                pretrained.SaveWeights(folder.File("base.safetensors"));
            using var model =
                Fit(options with { WeightsFile = folder.File("base.safetensors"), Adapter = Adapter.Lora(rank: 2), Epochs = 2 });
            model.SaveAdapter(folder.File("adapter.safetensors"));
            var test = SmallModules.View(_ml, TableRow.Many(20, seed: 9));

            using var applied = _ml.Model.LoadAdapter(
                folder.File("adapter.safetensors"), new TorchLayersFactory(), folder.File("base.safetensors"));
            SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(applied.Transform(test)));
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(
                    () => _ml.Model.LoadAdapter(folder.File("adapter.safetensors"), new TorchLayersFactory())).Message,
                "was trained on other weights of module 'torch layers'");
            count(4);
        });
    }

    [TestMethod]
    public void WhatCannotBeAdaptedIsSaidWithWhatCan()
    {
        AnyFactory.Make = context => new TwoLayers(context.Inputs[0].Size, 8, context.Outputs, 0);
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => Fit(Options("Deep") with { Factory = new AnyFactory(), Adapter = Adapter.Lora() })).Message;
        StringAssert.Contains(error, "no layer is called *");
        StringAssert.Contains(error, "TorchSharp's own Linear and Conv2d can be adapted, below the head ('last'");
        StringAssert.Contains(error, "are first (Dense)");

        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var deep = Options("Deep") with { Factory = new AnyFactory() };
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentException>(
                    () => Fit(deep with { Adapter = Adapter.Lora(rank: 2, targets: ["head", "mid"]) })).Message,
                "no layer is called head. Its layers are in, mid.");
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentException>(
                    () => Fit(deep with { Adapter = Adapter.Lora(rank: 12, targets: ["mid"]) })).Message,
                "mid is mid, which has fewer parameters than an adapter of rank 12");
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentException>(
                    () => Fit(deep with { Adapter = Adapter.Lora(rank: 2), Strategy = Strategy.HeadOnly })).Message,
                "no adapter would ever train");
            count(3);
        });
    }

    [TestMethod]
    public void AForwardThatGoesPastTheAdaptersIsAnError()
    {
        TorchLayers.Count(TorchLayers.PastHooks, count =>
        {
            AnyFactory.Make = TorchLayers.PastHooks;
            var error = Assert.ThrowsExactly<InvalidOperationException>(
                () => Fit(Options("Custom") with { Factory = new AnyFactory(), Adapter = Adapter.Lora(rank: 2) }));
            StringAssert.Contains(error.Message, "The module 'any' computed without calling 'wide', 'narrow'");
            StringAssert.Contains(error.Message, "layer.call(x)");
            count(1);
        });
    }

    private static ModuleFineTuningOptions Options(string kind) => SmallModules.Multiclass with
    {
        Inputs = [kind == "Convolutions" ? ModuleInput.Column("Features", 1, 2, 3) : "Features"],
        LearningRate = 0.03f,
    };

    private FineTuningTransformer Fit(ModuleFineTuningOptions options) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, s_rows));

    private static Dictionary<string, double[]> Tensors(FineTuningTransformer model)
    {
        Dictionary<string, double[]> tensors = [];
        model.Scorer.Read(network => tensors = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values()));
        return tensors;
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessGivesTheSameBits()
    {
        TorchLayers.Count(TorchLayers.Pictures, count =>
        {
            var options = SmallModules.Multiclass with
            {
                Factory = new TorchLayersFactory { Kind = "Pictures" },
                LabelColumnName = "Label",
                Inputs =
                    [ModuleInput.Image("ImagePath",
                        new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half })],
                Adapter = Adapter.Lora(rank: 2),
                Epochs = 3,
            };
            using var model = (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options)
                .Fit(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(6))));
            using var folder = new Folder();
            File.WriteAllBytes(folder.File("model.zip"), SmallTraining.Save(_ml, model));
            var test = SmallPictures.Take(2, skip: 10);

            var printed = LoadOnly.Run(
                ["--register", typeof(TorchLayersFactory).Assembly.Location, folder.File("model.zip"),
                    .. test.Select(photo => photo.ImagePath)]);

            CollectionAssert.AreEqual(
                SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, test)))
                    .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
                printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            count(1);
        });
    }

    private static ModuleNetwork Create(string kind) => ModuleNetwork.Create(
        new AnyFactory(), "any", new ModuleContext([new ModuleContext.InputShape("Features", Shape(kind))], 3), seed: 5);

    private static long[] Shape(string kind) => kind switch { "Convolutions" => [1, 2, 3], "Pictures" => [3, 8, 8], _ => [6] };

    private static Tensor Inputs(string kind, int rows)
    {
        long[] shape = [rows, .. Shape(kind)];
        return tensor(Formula.Values("input", shape), shape);
    }
}
