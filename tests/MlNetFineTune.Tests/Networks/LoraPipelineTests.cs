using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Adapters from Fit to files and back.</summary>
[TestClass]
public sealed class LoraPipelineTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static ImageFineTuningOptions Options(Backbone backbone) => SmallTraining.Options with
    {
        Backbone = backbone,
        Adapter = Adapter.Lora(rank: 4, dropout: 0.1f),
        Strategy = Strategy.LastStages(2),
        LearningRate = 0.01f,
        Epochs = 4,
    };

    [TestMethod]
    public void AModelWithAdaptersLearnsAndComesBackFromItsZipAndFromItsAdapterAlone()
    {
        var backbone = Pretrained();
        using var model = SmallTraining.Fit(_ml, Options(backbone), SmallPictures.Take(12));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        var scores = SmallTraining.Scores(model.Transform(test));
        Assert.IsGreaterThan(0.85, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy);

        var zip = SmallTraining.Save(_ml, model);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(test)));
        var (first, second) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded)));
        foreach (var (name, bytes) in first)
            CollectionAssert.AreEqual(bytes, second[name], name);

        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        loaded.SaveAdapter(path);
        using var applied = _ml.Model.LoadAdapter(path, backbone);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(applied.Transform(test)));
        CollectionAssert.AreEqual(model.Classes.ToArray(), applied.Classes.ToArray());
        Assert.IsLessThan(SmallTraining.WeightsOf(model).Length / 8, new FileInfo(path).Length);
        var again = Path.Combine(Path.GetDirectoryName(path)!, "again.safetensors");
        applied.SaveAdapter(again);
        CollectionAssert.AreEqual(File.ReadAllBytes(path), File.ReadAllBytes(again));
    }

    [TestMethod]
    public void AnAdapterOfNumbersThatAreNoneIsRefused()
    {
        var backbone = Pretrained();
        using var model = SmallTraining.Fit(_ml, Options(backbone) with { Epochs = 1 }, SmallPictures.Take(4));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);
        var bytes = File.ReadAllBytes(path);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(path, bytes);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(path, backbone)).Message;
        StringAssert.Contains(failure, $"'{path}' hold numbers that are NaN or infinite, in 1 of ");
    }

    [TestMethod]
    public void SavedWeightsHaveTheAdaptersMergedForThoseWhoKnowNothingOfThem()
    {
        using var model = SmallTraining.Fit(_ml, Options(Pretrained()) with { Epochs = 1 }, SmallPictures.Take(4));
        var path = Path.Combine(SmallPictures.NewFolder(), "merged.safetensors");
        model.SaveWeights(path);

        var backbone = Backbone.Micro.WithWeights(path);
        using var merged = backbone.CreateNetwork(seed: 1);
        model.Scorer.Read(network =>
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var noGradients = TorchSharp.torch.no_grad();
            merged.eval();
            var pixels = Formula.Images(2, 32, 32);
            var theirs = network.ForwardFirst(pixels, network.Stages.Count).Values();
            Fixture.AreClose(theirs, merged.forward(pixels).Values(), 1e-5, "feature");
        });
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameAdaptersBitForBitWhateverTheWorkers()
    {
        var options = Options(Pretrained()) with { Epochs = 1 };
        using var one = SmallTraining.Fit(_ml, options with { Workers = 1 }, SmallPictures.Take(6));
        TorchSharp.torch.rand(7).Dispose(); // advances the global generator
        using var other = SmallTraining.Fit(_ml, options with { Workers = 3 }, SmallPictures.Take(6));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(one), SmallTraining.WeightsOf(other));
    }

    [TestMethod]
    public void AnAdapterIsRefusedOnOtherWeightsOnAnotherNetworkAndWhereThereIsNone()
    {
        using var model = SmallTraining.Fit(_ml, Options(SmallTraining.Backbone) with { Epochs = 1 }, SmallPictures.Take(4));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);

        StringAssert.Contains(LoadFails(path, Pretrained()), "was trained on other weights of micro");
        StringAssert.Contains(LoadFails(path, Backbone.ResNet18.FromScratch()), "was trained on micro");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => _ml.Model.LoadAdapter(path, Backbone.Micro)).Message,
            "where the weights of micro come from");
        using (_ml.Model.LoadAdapter(path, SmallTraining.Backbone))
        {
            // random weights of the same seed are the same weights
        }

        var plain = Path.Combine(Path.GetDirectoryName(path)!, "plain.safetensors");
        using var without = SmallTraining.LoadModel(_ml);
        without.SaveWeights(plain);
        StringAssert.Contains(LoadFails(plain, SmallTraining.Backbone), "is no adapter that SaveAdapter wrote");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => without.SaveAdapter(plain)).Message,
            "The model has no adapter");
    }

    [TestMethod]
    public void AZipWhoseAdaptersDoNotFitItsNetworkIsDamaged()
    {
        using var model = SmallTraining.Fit(_ml, Options(SmallTraining.Backbone) with { Epochs = 1 }, SmallPictures.Take(4));
        var zip = SmallTraining.Save(_ml, model);
        foreach (var (from, to) in ((string, string)[])[
            ("\"layer3.0.conv1\"", "\"layer9.0.conv1\""), ("\"layer3.0.conv1\"", "null"), ("\"layer3.0.conv1\"", "\"layer3.0.conv2\""),
            ("\"Rank\": 4", "\"Rank\": 1000000000"), ("\"Rank\": 4", "\"Rank\": 3"), ("\"Alpha\": 16", "\"Alpha\": -1")])
        {
            var damaged = Zip.With(zip, "manifest.json", bytes =>
            {
                var text = System.Text.Encoding.UTF8.GetString(bytes);
                StringAssert.Contains(text, from);
                return System.Text.Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
            });
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _));
            Assert.IsInstanceOfType<InvalidDataException>(
                error is System.Reflection.TargetInvocationException { InnerException: { } inner } ? inner : error, $"{to}: {error}");
        }
    }

    [TestMethod]
    public void ADamagedAdapterIsRefusedInWords()
    {
        using var model = SmallTraining.Fit(_ml, Options(SmallTraining.Backbone) with { Epochs = 1 }, SmallPictures.Take(4));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);
        var bytes = File.ReadAllBytes(path);
        var length = BitConverter.ToInt32(bytes, 0);
        var header = System.Text.Encoding.UTF8.GetString(bytes, 8, length);

        foreach (var (from, to, says) in ((string, string, string)[])
        [
            ("\"mlnetfinetune.keys\":\"", "\"mlnetfinetune.keys\":\"!", "its classes cannot be read"),
            ("\"mlnetfinetune.keys\":\"", "\"mlnetfinetune.keys\":\"/////", "damaged"),
            ("\"mlnetfinetune.manifest\":\"{", "\"mlnetfinetune.manifest\":\"", "cannot be read"),
            ("mlnetfinetune.base", "mlnetfinetune.bass", "lack mlnetfinetune.manifest"),
            ("layer3.0.conv1.lora_A.weight", "layer3.0.conv9.lora_A.weight", "Missing in the file (1): layer3.0.conv1.lora_A.weight"),
            ("Rank\\u0022: 4", "Rank\\u0022: 0", "The rank must be from 1 to 1024"),
            ("\\u0022Layers\\u0022: [", "\\u0022Layers\\u0022: [null, ", "damaged"),
            ("\\u0022ChangedStages\\u0022: null", "\\u0022ChangedStages\\u0022: [null]", "was trained on micro"),
            ("\\u0022TestTimeAugmentation\\u0022: \\u0022None", "\\u0022TestTimeAugmentation\\u0022: \\u0022Some", "asks for views"),
        ])
        {
            StringAssert.Contains(header, from);
            var changed = System.Text.Encoding.UTF8.GetBytes(header.Replace(from, to, StringComparison.Ordinal));
            changed = [.. changed, .. Enumerable.Repeat((byte)' ', (8 - changed.Length % 8) % 8)];
            File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)changed.Length), .. changed, .. bytes[(8 + length)..]]);
            StringAssert.Contains(LoadFails(path, SmallTraining.Backbone), says, to);
        }
        File.WriteAllBytes(path, bytes[..^5]);
        StringAssert.Contains(LoadFails(path, SmallTraining.Backbone), "cut off");
    }

    // Part of the network is frozen, and so folded and merged, in one part of a plan and trains in another.
    [TestMethod]
    [DataRow(0, 4)]
    [DataRow(4, 0)]
    [DataRow(1, 3)]
    public void WhateverThePartsOfAPlanFreezeTheModelIsTheSumOfItsWeightsAndAdapters(int first, int second)
    {
        using var model = SmallTraining.Fit(
            _ml,
            Options(Pretrained()) with { Strategy = new TwoParts(first, second), Epochs = 2, Validation = ValidationData.Fraction(0.25f) },
            SmallPictures.Take(8));
        model.Scorer.Read(network =>
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var noGradients = TorchSharp.torch.no_grad();
            var pixels = Formula.Images(2, 32, 32);
            var merged = network.ForwardRest(pixels, 0).Values();
            network.Freeze(0);
            Fixture.AreClose(network.ForwardRest(pixels, 0).Values(), merged, 1e-4, "logit");
            foreach (var (name, tensor) in network.NamedTensors()
                .Where(named => named.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)))
                Assert.IsGreaterThan(0, tensor.abs().max().item<float>(), $"{name} has trained");
            network.PrepareForScoring();
        });
    }

    private sealed record TwoParts(int First, int Second) : Strategy
    {
        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            new(
                [PhaseRule.Of(stages.Count, First, layerDecay: 1, epochs: 1),
                    PhaseRule.Of(stages.Count, Second, layerDecay: 1, epochs: 1)]);
    }

    private string LoadFails(string path, Backbone backbone) =>
        Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(path, backbone)).Message;

    // Weights that are already trained on the pictures.
    private Backbone Pretrained()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var path = Path.Combine(SmallPictures.NewFolder(), "pretrained.safetensors");
        model.SaveWeights(path);
        return Backbone.Micro.WithWeights(path);
    }
}
