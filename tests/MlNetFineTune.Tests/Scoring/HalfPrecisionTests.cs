using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>Weights in half precision: half the file size, and the loaded model equals the evaluated one.</summary>
[TestClass]
public sealed class HalfPrecisionTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheFileIsHalfAndLoadsAsItWasEvaluated()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 4, OnProbeMismatch = ProbeMismatch.Throw }, SmallPictures.Take(10));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10, skip: 15)));
        var before = SmallTraining.Scores(model.Transform(test));

        using var half = model.WithHalfPrecisionWeights();
        var zip = SmallTraining.Save(_ml, half);
        // the probe's scores are the rounded network's, or this fails
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

        var scores = SmallTraining.Scores(half.Transform(test));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(test)));
        SmallTraining.AssertClose(before, scores, 0.01f);
        Assert.IsTrue(before.Zip(scores, (a, b) => !a.SequenceEqual(b)).Any(differs => differs), "Nothing was rounded.");
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(model.Transform(test)), SmallTraining.PredictedKeys(half.Transform(test)));
        SmallTraining.AssertSameBits(before, SmallTraining.Scores(model.Transform(test)));
        var (whole, halved) = (Zip.Entry(SmallTraining.Save(_ml, model), "weights.safetensors"), Zip.Entry(zip, "weights.safetensors"));
        Assert.IsLessThan(0.6, (double)halved.Length / whole.Length);
        CollectionAssert.AreEqual(Zip.Entry(zip, "weights.safetensors"), Zip.Entry(SmallTraining.Save(_ml, loaded), "weights.safetensors"));

        using var damaged = new MemoryStream(Zip.With(zip, "weights.safetensors", bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]));
        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.Load(damaged, out _)).GetBaseException().Message, "SHA-256");
    }

    [TestMethod]
    public void MatricesAreRoundedToTheNearestHalfAndAllElseStays()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var half = model.WithHalfPrecisionWeights();
        var path = Path.Combine(SmallPictures.NewFolder(), "half.safetensors");
        File.WriteAllBytes(path, Zip.Entry(SmallTraining.Save(_ml, half), "weights.safetensors"));
        using var file = WeightFile.Open(path);
        var types = file.Entries.ToDictionary(entry => entry.Name, entry => entry.Type);

        model.Scorer.Read(network => half.Scorer.Read(rounded =>
        {
            using var scope = NewDisposeScope();
            var parameters = network.NamedParameters().Select(named => named.Name).ToHashSet();
            foreach (var ((name, original), (_, copy)) in network.NamedTensors().Zip(rounded.NamedTensors()))
            {
                var isMatrix = parameters.Contains(name) && original.ndim >= 2;
                Assert.AreEqual(isMatrix ? ScalarType.Float16 : original.dtype, types[name], name);
                Assert.AreEqual(original.dtype, copy.dtype, name);
                var expected = isMatrix ? original.Values().Select(value => (double)(Half)(float)value) : original.Values();
                CollectionAssert.AreEqual(expected.ToArray(), copy.Values(), name);
            }
        }));
    }

    [TestMethod]
    public void OnPhotosTheWeightsAreHalfAndTheClassesStay()
    {
        var photos = SharedData.RequireOrSkip("data/ants-bees");
        var keys = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights(SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors")),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            Validation = ValidationData.Fraction(0.3f),
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
            Epochs = 5,
            BadRows = BadRows.Skip(),
        }).Fit(keys.Transform(_ml.Data.LoadImageFolder(Path.Combine(photos, "train"))));
        var test = keys.Transform(_ml.Data.LoadImageFolder(Path.Combine(photos, "val")));

        using var half = model.WithHalfPrecisionWeights();

        var (before, after) = (SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(half.Transform(test)));
        var largest = before.Zip(after).Max(row => row.First.Zip(row.Second).Max(pair => Math.Abs(pair.First - pair.Second)));
        var changed = before.Zip(after)
            .Count(row => Array.IndexOf(row.First, row.First.Max()) != Array.IndexOf(row.Second, row.Second.Max()));
        double Accuracy(float[][] scores) => scores.Zip(test.GetColumn<uint>("Label"))
            .Average(row => Array.IndexOf(row.First, row.First.Max()) + 1 == row.Second ? 1.0 : 0);
        var (whole, halved) = (SmallTraining.Save(_ml, model), SmallTraining.Save(_ml, half));
        Console.WriteLine($"accuracy {Accuracy(before):0.0000} and {Accuracy(after):0.0000}, {changed} of {before.Length} classes changed, "
            + $"largest change {largest:0.00000}; zip {whole.Length:N0} and {halved.Length:N0} bytes");
        Assert.IsLessThanOrEqualTo(1, changed);
        Assert.IsLessThanOrEqualTo(0.01, Math.Abs(Accuracy(before) - Accuracy(after)));
        Assert.IsLessThan(0.53, (double)Zip.Entry(halved, "weights.safetensors").Length / Zip.Entry(whole, "weights.safetensors").Length);
        Assert.IsLessThan(whole.Length, halved.Length);
    }

    [TestMethod]
    public void NumbersThatHalfPrecisionLacksKeepTheirTensorWhole()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(2));
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var head = ((LinearHead)((ImageNetwork)network).Head).weight;
            head[0, 0] = 70_000;
            var written = HalfWeights.Of(network).ToDictionary(named => named.Name, named => named.Tensor.dtype);
            Assert.AreEqual(ScalarType.Float32,
                written.Single(named => named.Key.EndsWith("weight") && network.StageOf(named.Key) == network.Stages.Count).Value);
            Assert.Contains(ScalarType.Float16, written.Values);
        });
    }

    [TestMethod]
    public void EachModelIsDisposedForItself()
    {
        var model = SmallTraining.LoadModel(_ml);
        using var half = model.WithHalfPrecisionWeights();
        model.Dispose();

        Assert.HasCount(3, SmallTraining.Scores(half.Transform(SmallPictures.View(_ml, SmallPictures.Take(1)))));
        Assert.Throws<ObjectDisposedException>(() => model.WithHalfPrecisionWeights());
    }

    [TestMethod]
    public void ModulesToo()
    {
        var data = SmallModules.View(_ml, TableRow.Many(60));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with { Factory = new TwoLayersFactory { Hidden = 64 }, Epochs = 2 }).Fit(data);
        using var half = model.WithHalfPrecisionWeights();
        using var loaded = SmallModules.Reload(_ml, half);

        var scores = SmallTraining.Scores(half.Transform(data));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(data)));
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(data)), scores, 0.01f);
        Assert.IsFalse(SmallTraining.Scores(model.Transform(data))[0].SequenceEqual(scores[0]));
    }

    [TestMethod]
    public void AnAdapterIsSavedOfTheUnroundedModelOnly()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 1, Adapter = Adapter.Lora(rank: 2) }, SmallPictures.Take(2));
        using var half = model.WithHalfPrecisionWeights();
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");

        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => half.SaveAdapter(path)).Message,
            "before WithHalfPrecisionWeights");
        Assert.IsFalse(File.Exists(path));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, half)), out _);
        var test = SmallPictures.View(_ml, SmallPictures.Take(2, skip: 15));
        SmallTraining.AssertSameBits(SmallTraining.Scores(half.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
    }

    [TestMethod]
    public void AManifestWithAnUnknownPrecisionIsRefused()
    {
        var zip = Zip.With(SmallTraining.ModelZip, "manifest.json", bytes =>
        {
            var manifest = JsonNode.Parse(bytes)!;
            manifest["WeightPrecision"] = "Float8";
            return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        Assert.IsInstanceOfType<InvalidDataException>(
            Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _)).GetBaseException());
    }
}
