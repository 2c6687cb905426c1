using Microsoft.ML;
using Microsoft.ML.Transforms;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Networks;

/// <summary>A training that continues from an earlier model, with the same classes, others, more or fewer.</summary>
[TestClass]
public sealed class ContinuedTrainingTests
{
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>Stopped before the first step: the model is what the training would begin with.</summary>
    private static ImageFineTuningOptions Untrained(ITransformer earlier) =>
        SmallTraining.Options with { Backbone = Backbone.FromModel(earlier), StopToken = new CancellationToken(canceled: true) };

    [TestMethod]
    public void TheSameClassesInAnotherOrderScoreAsBefore()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var next = Fit(Untrained(earlier), SmallPictures.Take(4), "stripes", "dots", "rings");

        CollectionAssert.AreEqual(new[] { "stripes", "dots", "rings" }, next.Classes.ToArray());
        var test = SmallPictures.View(_ml, SmallPictures.Take(5, skip: 20));
        SmallTraining.AssertClose(
            [.. SmallTraining.Scores(earlier.Transform(test)).Select(scores => (float[])[scores[2], scores[0], scores[1]])],
            SmallTraining.Scores(next.Transform(test)), 1e-6f);
    }

    [TestMethod]
    public void OldClassesKeepTheirLogitsNewOnesBeginAndThoseThatAreGoneAreNamed()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        var log = new LogLines(_ml);
        var photos = SmallPictures.Take(4).Where(photo => photo.Label != "rings")
            .Append(new Photo { Label = "circles", ImagePath = SmallPictures.PathOf("rings", 0) }).ToArray();

        using var next = Fit(Untrained(earlier), photos, "stripes", "circles", "dots");

        StringAssert.Contains(log.ToString(), "The head keeps the earlier model's weights of 2 classes; new: circles; dropped: rings.");
        var (before, after) = (Logits(earlier), Logits(next));
        for (var row = 0; row < 2; row++)
        {
            Assert.AreEqual(before[3 * row + 2], after[3 * row], 1e-5, "stripes");
            Assert.AreEqual(before[3 * row], after[3 * row + 2], 1e-5, "dots");
            Assert.IsGreaterThan(1e-3, Math.Abs(before[3 * row + 1] - after[3 * row + 1]), "circles are not rings");
        }
        using var fresh = ImageNetwork.Create(SmallTraining.Backbone, outputs: 3, seed: 1);
        using var scope = torch.NewDisposeScope();
        next.Scorer.Read(
            network => CollectionAssert.AreEqual(
                ((LinearHead)fresh.Head).weight[1].Values(), ((LinearHead)((ImageNetwork)network).Head).weight[1].Values(),
                "as in a new head"));
    }

    [TestMethod]
    public void AClassIsLearntInAdditionFromALoadedChain()
    {
        var two = SmallPictures.Take(15).Where(photo => photo.Label != "stripes").ToArray();
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 5 }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(SmallPictures.View(_ml, two));
        using var stream = new MemoryStream(SmallTraining.Save(_ml, chain, SmallPictures.View(_ml, two).Schema));
        var loaded = _ml.Model.Load(stream, out _);
        using var owned = (IDisposable)loaded;

        using var next = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = Backbone.FromModel(loaded), Epochs = 4 }, SmallPictures.Take(15));

        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        Assert.IsGreaterThan(0.85, _ml.MulticlassClassification.Evaluate(next.Transform(test)).MicroAccuracy);
        var manifest = System.Text.Encoding.UTF8.GetString(Zip.Entry(SmallTraining.Save(_ml, next), "manifest.json"));
        StringAssert.Contains(manifest, "\"SourceWeights\": \"a model that began with random weights\"");
    }

    [TestMethod]
    public void AnEarlierModelsAdaptersAreMergedAndItsNewLayersStay()
    {
        var first = SmallTraining.Options with
        {
            Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory()).ReinitializeStage("layer1"),
            Adapter = Adapter.Lora(rank: 4),
            Epochs = 1
        };
        using var earlier = SmallTraining.Fit(_ml, first, SmallPictures.Take(4));
        using var next = SmallTraining.Fit(_ml, Untrained(earlier), SmallPictures.Take(4));

        var test = SmallPictures.View(_ml, SmallPictures.Take(5, skip: 20));
        SmallTraining.AssertClose(SmallTraining.Scores(earlier.Transform(test)), SmallTraining.Scores(next.Transform(test)), 1e-5f);
        next.Scorer.Read(
            network => Assert.IsFalse(network.NamedTensors().Any(named => named.Name.Contains("lora", StringComparison.Ordinal))));

        // What was new then is not new now: the strategy decides about it again, and it can be changed no more than any other.
        using var last = SmallTraining.Fit(
            _ml, Untrained(next) with { StopToken = default, Strategy = Strategy.HeadOnly, Epochs = 1 }, SmallPictures.Take(4));
        Assert.IsEmpty(last.Report!.TrainedStages);
        var other = new MLContext();
        other.ComponentCatalog.RegisterAssembly(typeof(SmallLayersFactory).Assembly);
        using var loaded = (FineTuningTransformer)other.Model.Load(new MemoryStream(SmallTraining.Save(_ml, last)), out _);
        SmallTraining.AssertSameBits(SmallTraining.Scores(last.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        using var renewed = SmallTraining.Fit(
            _ml, Untrained(next) with { Backbone = Backbone.FromModel(next).ReinitializeStage("layer1") }, SmallPictures.Take(2));
    }

    [TestMethod]
    public void ManyAdaptersGoWithOneEarlierModel()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        using var next = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = Backbone.FromModel(earlier), Adapter = Adapter.Lora(rank: 4), Epochs = 1 },
            SmallPictures.Take(4));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        next.SaveAdapter(path);

        using var applied = _ml.Model.LoadAdapter(path, Backbone.FromModel(earlier));

        var test = SmallPictures.View(_ml, SmallPictures.Take(3, skip: 20));
        SmallTraining.AssertSameBits(SmallTraining.Scores(next.Transform(test)), SmallTraining.Scores(applied.Transform(test)));
    }

    [TestMethod]
    public void WeightsChosenAfterItReplaceThoseOfTheEarlierModelAndItsNewLayersAreNewAgain()
    {
        using var earlier = SmallTraining.Fit(
            _ml, SmallTraining.Options with
            {
                Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory()),
                Epochs = 1
            }, SmallPictures.Take(2));
        var backbone = Backbone.FromModel(earlier).FromScratch();
        Assert.AreEqual("micro (random weights), stage layer2 replaced by 'small layers'", backbone.ToString());
        using var expected = ImageNetwork.Create(
            Backbone.Micro.FromScratch().ReplaceStage("layer2", new SmallLayersFactory()), outputs: 3, seed: 4);
        using var actual = ImageNetwork.Create(backbone, outputs: 3, seed: 4);
        foreach (var ((name, tensor), (_, other)) in expected.NamedTensors().Zip(actual.NamedTensors()))
            CollectionAssert.AreEqual(tensor.Values(), other.Values(), name);
    }

    [TestMethod]
    public void AHeadThatCannotBeUsedIsMadeAnewAndTheLogSaysWhy()
    {
        using var earlier = SmallTraining.LoadModel(_ml);
        var log = new LogLines(_ml);
        using (Fit(Untrained(earlier),
            [.. SmallPictures.Take(2).Select(photo => new Photo { Label = photo.Label.ToUpperInvariant(), ImagePath = photo.ImagePath })],
            "DOTS", "RINGS", "STRIPES"))
            StringAssert.Contains(log.ToString(),
                "The head of the earlier model is not used, since it knows none of these classes, but dots, rings, stripes.");
        var wider = Untrained(earlier) with
        {
            Backbone = Backbone.FromModel(earlier).ReplaceStage("layer3", new SmallLayersFactory { ExtraOutputs = 1 })
        };
        using (SmallTraining.Fit(_ml, wider, SmallPictures.Take(2)))
            StringAssert.Contains(log.ToString(), "is not used, since its features are 128, and now 129.");
    }

    [TestMethod]
    public void WhatIsNoModelOfOursOrIsDisposedIsSaid()
    {
        var view = SmallPictures.View(_ml, SmallPictures.Take(2));
        var mapping = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromModel(mapping)).Message,
            "ValueToKeyMappingTransformer has none");
        using var one = SmallTraining.LoadModel(_ml);
        using var other = SmallTraining.LoadModel(_ml);
        var both = new Microsoft.ML.Data.TransformerChain<ITransformer>(one, other);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromModel(both)).Message,
            "the model has 2: give the one that is meant");

        var gone = SmallTraining.LoadModel(_ml);
        var backbone = Backbone.FromModel(gone);
        gone.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(
            () => SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = backbone }, SmallPictures.Take(2)));
    }

    // With the classes numbered as they stand here.
    private FineTuningTransformer Fit(ImageFineTuningOptions options, Photo[] photos, params string[] classes)
    {
        var data = SmallPictures.View(_ml, photos);
        var names = _ml.Data.LoadFromEnumerable(classes.Select(name => new Name { Value = name }));
        var keyed = _ml.Transforms.Conversion.MapValueToKey(
            "Label", keyData: names, keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence).Fit(data).Transform(data);
        return _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(keyed);
    }

    private static double[] Logits(FineTuningTransformer model)
    {
        double[]? logits = null;
        model.Scorer.Read(network =>
        {
            using var scope = torch.NewDisposeScope();
            using var noGradients = torch.no_grad();
            logits = network.ForwardRest(Formula.Images(2, 32, 32), 0).Values();
        });
        return logits!;
    }

    private sealed class Name
    {
        public string Value { get; set; } = "";
    }
}
