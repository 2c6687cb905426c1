using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>What is explained in each task and of each kind of network, and what is said where it cannot be.</summary>
[TestClass]
public sealed class ExplainedTasksTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(3, skip: 20);

    [TestMethod]
    public void ThePredictedClassIsExplainedUnlessOneIsNamed()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var predicted = SmallTraining.PredictedKeys(model.Transform(SmallPictures.View(_ml, _photos)));
        var cam = Explanation.GradCam("layer1");
        var byDefault = Maps(model, cam, _photos);
        var named = SmallPictures.Classes.Select(name => Maps(model, cam with { Class = name }, _photos)).ToArray();

        for (var i = 0; i < _photos.Length; i++)
        {
            SmallTraining.AssertSameBits([named[predicted[i] - 1][i]], [byDefault[i]]);
            Assert.IsFalse(named[0][i].SequenceEqual(named[1][i]), $"the first two classes of picture {i}");
        }
    }

    /// <summary>Shares of integrated gradients add up to the difference of the explained output, so they say which output it was.</summary>
    [TestMethod]
    public void ABinaryModelIsExplainedForWhatItPredicts()
    {
        using var model = ScalarModels.Load(_ml, "binary");
        var photos = MarkedPhoto.Take(4, skip: 20);
        var predicted = _ml.Data.CreateEnumerable<YesPrediction>(
            model.Transform(_ml.Data.LoadFromEnumerable(photos)), reuseRowObject: false).Select(row => row.PredictedLabel).ToArray();
        CollectionAssert.AreEquivalent(new[] { true, false }, predicted.Distinct().ToArray());
        var explanation = Explanation.IntegratedGradients(steps: 4);
        var yes = Maps(model, explanation with { Class = "True" }, photos);
        var no = Maps(model, explanation with { Class = "False" }, photos);
        var byDefault = Maps(model, explanation, photos);

        for (var i = 0; i < photos.Length; i++)
        {
            SmallTraining.AssertClose([[.. yes[i].Select(share => -share)]], [no[i]]);
            SmallTraining.AssertSameBits([predicted[i] ? yes[i] : no[i]], [byDefault[i]]);
        }
    }

    [TestMethod]
    [DataRow("regression")]
    [DataRow("ordinal")]
    public void ANumberIsExplainedByWhatMakesItGreaterAndAnOrderByItsClass(string name)
    {
        using var model = ScalarModels.Load(_ml, name);
        var photos = MarkedPhoto.Take(3, skip: 20);
        var maps = Maps(model, Explanation.IntegratedGradients(steps: 64), photos);
        foreach (var (map, photo) in maps.Zip(photos))
        {
            // Completeness, against the network itself.
            using var scope = NewDisposeScope();
            var (sum, difference) = (map.Sum(share => (double)share), DifferenceToBlack(model, photo.ImagePath, name));
            Assert.AreEqual(difference, sum, 0.1 * Math.Max(1, Math.Abs(difference)), photo.ImagePath);
        }
        if (name == "regression")
        {
            StringAssert.Contains(
                Refused(model, Explanation.GradCam() with { Class = "large" }), "The model predicts a number and has no class 'large'");
            return;
        }
        var large = Maps(model, Explanation.GradCam() with { Class = "large" }, photos);
        Assert.IsTrue(large.All(map => map.All(float.IsFinite)));
    }

    [TestMethod]
    public void OfSeveralLabelsTheOneFarthestAboveItsThresholdIsExplained()
    {
        var options = SmallTraining.Options with { Task = LearningTask.MultiLabel(), LabelColumnName = "Tags", LearningRate = 1e-2f };
        var rows = SmallPictures.Take(5).Select(photo => new Tagged
        {
            ImagePath = photo.ImagePath,
            Tags = photo.Label == "stripes" ? [] : [photo.Label, "round"],
        }).ToArray();
        var view = _ml.Transforms.Conversion.MapValueToKey("Tags").Fit(_ml.Data.LoadFromEnumerable(rows))
            .Transform(_ml.Data.LoadFromEnumerable(rows));
        using var model = _ml.FineTuning.FineTuneImages(options).Fit(view);
        var scores = SmallTraining.Scores(model.Transform(view));
        Assert.IsTrue(model.LabelThresholds.All(threshold => threshold == 0.5f));
        var byDefault = Maps(model, Explanation.GradCam(), rows);
        var named = model.Classes.Select(name => Maps(model, Explanation.GradCam() with { Class = name }, rows)).ToArray();
        for (var i = 0; i < rows.Length; i++)
            SmallTraining.AssertSameBits([named[Array.IndexOf(scores[i], scores[i].Max())][i]], [byDefault[i]]);
    }

    [TestMethod]
    public void OfSeveralHeadsOneIsNamed()
    {
        using var model = _ml.FineTuning.FineTuneImages(SeveralRow.Options with { Epochs = 1 })
            .Fit(SeveralRow.View(_ml, SeveralRow.Take(4)));
        var cam = Explanation.GradCam("layer2");
        StringAssert.Contains(Refused(model, cam), "several heads, and one is explained: name it by Head, one of Kind, Size, Red");
        StringAssert.Contains(Refused(model, cam with { Head = "Color" }), "no head 'Color', but Kind, Size, Red");
        StringAssert.Contains(Refused(model, cam with { Head = "Size", Class = "rings" }), "predicts a number");
        var maps = new[]
        {
            cam with { Head = "Kind", Class = "rings" }, cam with { Head = "Kind", Class = "dots" }, cam with { Head = "Size" },
            cam with { Head = "Red", Class = "True" }, cam with { Head = "Red", Class = "False" },
        }.Select(explanation => string.Join(' ', Maps(model, explanation, _photos)[0])).ToArray();
        Assert.HasCount(maps.Length, maps.Distinct());
    }

    [TestMethod]
    public void APictureBesideATableIsExplainedWithTheTableAsItIs()
    {
        var options = FusedRow.Options with { Epochs = 1, MissingPictures = MissingPictures.Allow };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, FusedRow.Many(12)));
        var rows = FusedRow.Many(3, seed: 2);
        rows[2].ImagePath = "";
        var view = FusedRow.View(_ml, rows);
        foreach (var explanation in (Explanation[])[Explanation.GradCam("layer2"), Explanation.IntegratedGradients(steps: 2)])
        {
            using var explainer = _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation, "Map").Fit(view);
            var maps = explainer.Transform(view).GetColumn<float[]>("Map").ToArray();
            Assert.IsTrue(maps.All(map => map.All(float.IsFinite)));
            Assert.IsTrue(maps[2].All(value => value == 0), "what is not there says nothing");
            bool[] shown = [.. explainer.Transform(view).GetColumn<MLImage?>("Why").Select(image =>
            {
                using (image)
                    return image is not null;
            })];
            CollectionAssert.AreEqual(new[] { true, true, false }, shown);
        }
    }

    [TestMethod]
    public void AModuleOfPicturesIsExplainedByGradients()
    {
        var preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };
        AnyFactory.Make = context => new Lambda(3, context.Outputs, (layer, pixels) => layer.call(pixels.relu_().mean([2, 3])));
        var options = SmallModules.Multiclass with
        {
            Factory = new AnyFactory(),
            LabelColumnName = "Label",
            Inputs = [ModuleInput.Image("ImagePath", preprocessing)],
            Epochs = 1,
            Validation = ValidationData.None,
        };
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(3)));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(view);

        var maps = Maps(model, Explanation.IntegratedGradients(steps: 20), _photos);
        foreach (var map in maps)
            Assert.IsTrue(map.Length == 32 * 32 && map.Any(share => share != 0), $"{map.Length}: {map.Min()} to {map.Max()}");
        StringAssert.Contains(Refused(model, Explanation.GradCam()), "runs as a whole. Use Explanation.IntegratedGradients()");

        AnyFactory.Make = context => new Lambda(3, context.Outputs, (layer, pixels) => layer.call(pixels.mean([2, 3]).detach()));
        using var detached = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(view);
        var error = Assert.ThrowsExactly<NotSupportedException>(() => Maps(detached, Explanation.IntegratedGradients(), _photos));
        StringAssert.Contains(error.Message, "detaches its result");
    }

    [TestMethod]
    public void ATorchScriptProgramIsExplainedByGradients()
    {
        var program = Backbone.FromTorchScript(
            Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt"),
            SmallTraining.Backbone.Preprocessing);
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = program, Epochs = 1 }, SmallPictures.Take(2));

        StringAssert.Contains(Refused(model, Explanation.GradCam()), "runs as a whole");
        StringAssert.Contains(Refused(model, Explanation.AttentionRollout()), "has none that is known");
        Assert.IsTrue(Maps(model, Explanation.IntegratedGradients(steps: 2), _photos).All(map => map.Any(share => share != 0)));
    }

    [TestMethod]
    public void AReplacedStageIsExplainedAndSoAreNetworksOfEveryKind()
    {
        var larger = SmallTraining.Backbone.Preprocessing with { Size = 64 };
        foreach (var backbone in (Backbone[])
            [
                SmallTraining.Backbone.ReplaceStage("layer3", new SmallLayersFactory()),
                Backbone.MobileNetV3Small(0.5f).FromScratch() with { Preprocessing = SmallTraining.Backbone.Preprocessing },
                FixtureNetworks.Find("vgg", 1).FromScratch() with { Preprocessing = SmallTraining.Backbone.Preprocessing },
                FixtureNetworks.Find("convnext", 1).FromScratch() with { Preprocessing = larger },
                FixtureNetworks.Find("densenet", 1).FromScratch() with { Preprocessing = larger },
            ])
        {
            using var model = SmallTraining.Fit(
                _ml, SmallTraining.Options with { Backbone = backbone, Epochs = 1, Strategy = Strategy.HeadOnly }, SmallPictures.Take(2));
            using var explainer = Explainer(model, Explanation.GradCam());
            Assert.IsGreaterThan(1, explainer.MapHeight, backbone.Name);
            var maps = explainer.Transform(SmallPictures.View(_ml, _photos)).GetColumn<float[]>("Map").ToArray();
            Assert.IsTrue(maps.All(map => map.All(value => value >= 0 && float.IsFinite(value))), backbone.Name);
        }
    }

    [TestMethod]
    public void WhatIsNotPossibleIsSaidBeforeAnyDataAreRead()
    {
        using var model = SmallTraining.LoadModel(_ml);
        StringAssert.Contains(
            Refused(model, Explanation.GradCam() with { Class = "cat" }), "no class 'cat'; there are: dots, rings, stripes");
        StringAssert.Contains(Refused(model, Explanation.GradCam() with { Head = "Kind" }), "one head");
        StringAssert.Contains(Refused(model, Explanation.GradCam("layer9")), "no stage 'layer9'; there are: stem, layer1, layer2, layer3");
        StringAssert.Contains(Refused(model, Explanation.AttentionRollout()), "has none that is known. Use Explanation.GradCam()");
        StringAssert.Contains(
            Refused(model, Explanation.AttentionRollout() with { Class = "dots" }), "Attention rollout is the same for every output");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() =>
                _ml.Transforms.ExplainImages("Why", "ImagePath", model, Explanation.GradCam(), mapColumnName: "Why")).Message,
            "cannot both be column 'Why'");

        var view = SmallPictures.View(_ml, _photos);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.ExplainImages(
                "Why", "ImagePath", _ml.Transforms.CopyColumns("B", "Label").Fit(view), Explanation.GradCam())).Message, "has none");
        using var again = SmallTraining.LoadModel(_ml);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.ExplainImages(
                "Why", "ImagePath", new TransformerChain<ITransformer>(model, again), Explanation.GradCam())).Message, "the chain has 2");

        var missing = Assert.Throws<ArgumentException>(() =>
            _ml.Transforms.ExplainImages("Why", "Path", model, Explanation.GradCam()).Fit(view));
        StringAssert.Contains(missing.Message, "'Path'");
        // A chain asks each estimator what it will add before it fits any.
        var estimator = _ml.Transforms.ExplainImages("Why", "ImagePath", model, Explanation.GradCam(), "Map");
        using var chain = estimator.Append(_ml.Transforms.CopyColumns("Picture", "Why"))
            .Append(_ml.Transforms.CopyColumns("Numbers", "Map")).Fit(view);
        Assert.IsTrue(chain.Transform(view).GetColumn<float[]>("Numbers").All(map => map.Length > 1));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.CopyColumns("Copy", "Label")
            .Append(_ml.Transforms.ExplainImages("Why", "Label2", model, Explanation.GradCam())).Fit(view));
    }

    [TestMethod]
    public void AVisionTransformerHasNoMapsAndAReplacedBlockNoAttention()
    {
        var vit = FixtureNetworks.Find("vit", 1).FromScratch();
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = vit, Epochs = 1, Strategy = Strategy.HeadOnly }, SmallPictures.Take(2));
        StringAssert.Contains(Refused(model, Explanation.GradCam()), "For a vision transformer use Explanation.AttentionRollout()");
        StringAssert.Contains(Refused(model, Explanation.GradCam("blocks.1")), "gives [1, 17, 48] for one picture");
        using (var explainer = Explainer(model, Explanation.AttentionRollout()))
            Assert.AreEqual((4, 4), (explainer.MapHeight, explainer.MapWidth));
        Assert.IsTrue(Maps(model, Explanation.AttentionRollout(), _photos).All(map => map.Sum() is > 0 and < 1));
        Assert.IsTrue(Maps(model, Explanation.IntegratedGradients(steps: 2), _photos).All(map => map.Any(share => share != 0)));

        using var replaced = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = vit.ReplaceStage("blocks.1", new SmallLayersFactory()), Epochs = 1 },
            SmallPictures.Take(2));
        StringAssert.Contains(Refused(replaced, Explanation.AttentionRollout()), "Stage 'blocks.1' of vit was replaced");
    }

    private double DifferenceToBlack(FineTuningTransformer model, string path, string name)
    {
        var pixels = new byte[model.Inputs.Length];
        var encoder = new MlNetFineTune.Data.ImageEncoder(model.Inputs.Pixels!.Preprocessing);
        Assert.IsNull(encoder.EncodeFile(path, Augmentation.None, default, pixels));
        var difference = 0.0;
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using var collator = model.Inputs.CreateCollator(CPU);
            var outputs = network.ForwardRest(collator.Collate([.. pixels, .. new byte[pixels.Length]], 2), first: 0);
            var chosen = name == "regression" ? 0 : outputs[0].argmax().item<long>();
            difference = (outputs[0][chosen] - outputs[1][chosen]).to_type(ScalarType.Float64).item<double>();
        });
        return difference;
    }

    private string Refused(FineTuningTransformer model, Explanation explanation) => Assert.ThrowsExactly<ArgumentException>(() =>
        _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation)).Message;

    private ImageExplainingTransformer Explainer(FineTuningTransformer model, Explanation explanation) =>
        _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation, mapColumnName: "Map").Fit(SmallPictures.View(_ml, _photos));

    private float[][] Maps<T>(FineTuningTransformer model, Explanation explanation, T[] rows)
        where T : class
    {
        var view = _ml.Data.LoadFromEnumerable(rows);
        using var explainer = _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation, mapColumnName: "Map").Fit(view);
        return [.. explainer.Transform(view).GetColumn<float[]>("Map")];
    }

    private sealed class Tagged
    {
        public string ImagePath { get; set; } = "";

        public string[] Tags { get; set; } = [];
    }
}
