using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>The frozen network as a transform: in batches and alone, from every kind of column, with bad pictures, saved, loaded.</summary>
[TestClass]
public sealed class ImageFeaturesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(24).Take(70).ToArray();

    private static readonly ImageFeatureOptions s_several = new()
    {
        Pooling = FeaturePooling.MultiScale(["layer1", "layer3"], [32, 48], FeaturePooling.AverageAndMax),
    };

    [TestMethod]
    public void TheDefaultsAreTheDocumentedOnes()
    {
        var options = new ImageFeatureOptions();

        Assert.AreEqual(FeaturePooling.Native, options.Pooling);
        Assert.AreEqual(FeatureCache.None, options.FeatureCache);
        Assert.IsNull(options.ImageFolder);
        Assert.IsNull(options.RawPixels);
        Assert.IsNull(options.ImageStatusColumnName);
        Assert.AreEqual(ProbeMismatch.Warn, options.OnProbeMismatch);
        Assert.AreEqual("GeneralizedMean(3)", $"{FeaturePooling.GeneralizedMean()}");
    }

    [TestMethod]
    public void FeaturesOfAFittedModelAreThoseThatItsHeadScores()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var extractor = Extractor(Backbone.FromModel(model));
        var expected = SmallTraining.Scores(model.Transform(View()));

        var features = Features(extractor.Transform(View()));

        Assert.AreEqual(128, extractor.FeatureCount);
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rows = tensor(features.SelectMany(row => row).ToArray(), [features.Length, 128]);
            var scores = nn.functional.softmax(((ImageNetwork)network).Head.forward(rows), dim: 1).Values();
            Fixture.AreClose([.. expected.SelectMany(row => row).Select(score => (double)score)], scores, 1e-5, "scores");
        });
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ABatchAPredictionEngineAndAPredictorAgree(bool several)
    {
        using var extractor = Extractor(options: several ? s_several : null);
        var batched = Features(extractor.Transform(View()));
        Assert.HasCount(70, batched);
        Assert.HasCount(several ? 2 * 2 * (32 + 128) : 128, batched[0]);
        Assert.IsTrue(batched.All(row => row.All(float.IsFinite)));
        Assert.IsGreaterThan(60, batched.Select(row => row[5]).Distinct().Count(), "Different pictures have different features.");

        using (var engine = _ml.Model.CreatePredictionEngine<Photo, Row>(
            extractor, new PredictionEngineOptions { OwnsTransformer = false }))
        {
            for (var i = 0; i < 5; i++)
                SmallTraining.AssertClose([batched[i]], [engine.Predict(_photos[i]).Features]);
        }
        using var predictor = _ml.Model.CreatePredictor<Photo, Row>(extractor);
        SmallTraining.AssertClose([batched[7]], [predictor.PredictAsync(_photos[7]).GetAwaiter().GetResult().Features]);
    }

    [TestMethod]
    public void SlotsHaveNamesAndNothingElseOfTheSchemaChanges()
    {
        using var extractor = Extractor();
        var column = extractor.Transform(View()).Schema["Features"];
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);

        Assert.AreEqual(128, ((VectorDataViewType)column.Type).Size);
        Assert.AreEqual("layer3.native.0", names.GetValues()[0].ToString());
        CollectionAssert.AreEqual(
            new[] { "Label", "ImagePath", "Features" }, extractor.GetOutputSchema(View().Schema).Select(one => one.Name).ToArray());
        Assert.AreEqual(extractor.GetOutputSchema(View().Schema).ToString(), extractor.Transform(View()).Schema.ToString());
    }

    [TestMethod]
    public void BytesAndImagesAreReadAsPathsAre()
    {
        using var extractor = Extractor();
        var expected = Features(extractor.Transform(View()));
        var bytes = _photos.Select(photo => new Bytes { Content = File.ReadAllBytes(photo.ImagePath) });

        using var ofBytes = _ml.Transforms.ExtractImageFeatures("Features", "Content", SmallTraining.Backbone)
            .Fit(_ml.Data.LoadFromEnumerable(bytes));

        SmallTraining.AssertSameBits(expected, Features(ofBytes.Transform(_ml.Data.LoadFromEnumerable(bytes))));

        var relative = _photos.Select(photo => new Photo { ImagePath = Path.GetRelativePath(SmallPictures.Folder, photo.ImagePath) });
        using var inFolder = Extractor(options: new ImageFeatureOptions { ImageFolder = SmallPictures.Folder });
        SmallTraining.AssertSameBits(expected, Features(inFolder.Transform(SmallPictures.View(_ml, relative))));
    }

    [TestMethod]
    public void BadPicturesHaveMissingFeaturesAndAReason()
    {
        var log = new LogLines(_ml);
        using var extractor = Extractor(options: s_several with { ImageStatusColumnName = "Why" });
        var mixed = BadPictures.All.Select(bad => new Photo { ImagePath = bad.Path }).SelectMany((bad, i) => new[] { _photos[i], bad });

        var scored = extractor.Transform(SmallPictures.View(_ml, mixed));
        var (features, reasons) = (Features(scored), scored.GetColumn<string>("Why").ToArray());

        for (var i = 0; i < features.Length; i += 2)
        {
            Assert.IsTrue(features[i].All(float.IsFinite) && reasons[i] is null or "", $"row {i}: {reasons[i]}");
            Assert.IsTrue(features[i + 1].All(float.IsNaN), $"row {i + 1}");
            StringAssert.Contains(reasons[i + 1], BadPictures.All[i / 2].Reason);
        }
        SmallTraining.AssertClose(
            Features(extractor.Transform(SmallPictures.View(_ml, _photos.Take(6)))), [.. features.Where((_, i) => i % 2 == 0)]);
        Assert.IsTrue(
            log.Warnings.Any(line => line.StartsWith("6 pictures could not be read; their features are missing (NaN).",
                StringComparison.Ordinal)), log.ToString());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AChainIsSavedAndLoadedWithTheSameFeatures(bool several)
    {
        using var chain = _ml.Transforms.ExtractImageFeatures(
            "Features", "ImagePath", SmallTraining.Backbone, several ? s_several with { ImageStatusColumnName = "Why" } : null)
            .Append(_ml.Transforms.CopyColumns("Copy", "Features")).Fit(View());
        var zip = SmallTraining.Save(_ml, chain, View().Schema);

        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(new MemoryStream(zip), out _);

        SmallTraining.AssertSameBits(Features(chain.Transform(View())), Features(loaded.Transform(View())));
        SmallTraining.AssertSameBits(Features(chain.Transform(View())), [.. loaded.Transform(View()).GetColumn<float[]>("Copy")]);
        Assert.AreEqual(chain.Transform(View()).Schema.ToString(), loaded.Transform(View()).Schema.ToString());
        var again = loaded.OfType<FeaturesTransformer>().Single();
        Assert.AreEqual($"{(several ? s_several.Pooling : FeaturePooling.Native)}", again.Pooling);
        Assert.AreEqual(FeatureCache.None, again.FeatureCache);
        var (expected, actual) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded, View().Schema)));
        foreach (var (name, bytes) in expected)
            CollectionAssert.AreEqual(bytes, actual[name], name);
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetLoadsItAndGivesTheSameBits()
    {
        using var extractor = _ml.Transforms.ExtractImageFeatures("Score", "ImagePath", SmallTraining.Backbone, s_several).Fit(View());
        var zip = Path.Combine(SmallPictures.NewFolder(), "features.zip");
        _ml.Model.Save(extractor, View().Schema, zip);

        var printed = LoadOnly.Run([zip, .. _photos.Take(6).Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            extractor.Transform(SmallPictures.View(_ml, _photos.Take(6))).GetColumn<float[]>("Score")
                .Select(row => string.Join(' ', SmallTraining.Bits(row).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void ADamagedOrHostileFileIsRefusedWithASentence()
    {
        using var extractor = Extractor(options: s_several);
        var zip = SmallTraining.Save(_ml, extractor);

        foreach (var (from, to, part) in (IEnumerable<(string, string, string)>)[
            ("\"layer3\"", "\"layer7\"", "no stage 'layer7'"),
            ("\"Kind\": \"AverageAndMax\"", "\"Kind\": \"Median\"", "no pooling 'Median'"),
            ("\"OutputColumn\": \"Features\"", "\"OutputColumn\": \" \"", "output column has no name"),
            ("\"FormatVersion\": 1", "\"FormatVersion\": 2", "format version 2"),
            ("\"ProbeFeatures\": [", "\"ProbeFeatures\": [0.5,", "probe features of"),
            ("\"Sizes\": [", "\"Sizes\": [8,", "is not between 32 and 4096")])
        {
            var changed = Zip.With(zip, "manifest.json", bytes =>
                System.Text.Encoding.UTF8.GetBytes(Replaced(System.Text.Encoding.UTF8.GetString(bytes), from, to)));
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(changed), out _)).GetBaseException();
            StringAssert.Contains(error.Message, part);
            Assert.IsTrue(error is InvalidDataException or NotSupportedException, $"{error.GetType()}");
        }

        static string Replaced(string text, string from, string to)
        {
            Assert.IsTrue(text.Contains(from, StringComparison.Ordinal), $"{from} is not in {text}");
            return text.Replace(from, to, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    public void ADisposedTransformerRefusesToComputeAndToBeSaved()
    {
        var extractor = Extractor(options: new ImageFeatureOptions { FeatureCache = FeatureCache.InMemory() });
        var view = extractor.Transform(View());
        using var shared = extractor.WithFeatureCache(FeatureCache.None);
        var expected = Features(view);

        extractor.Dispose();
        extractor.Dispose();

        foreach (var action in (Action[])[() => Features(view), () => SmallTraining.Save(_ml, extractor),
            () => extractor.WithFeatureCache(FeatureCache.None).Dispose()])
        {
            StringAssert.Contains(Assert.Throws<ObjectDisposedException>(action).Message, "model was disposed");
        }
        SmallTraining.AssertSameBits(expected, Features(shared.Transform(View())));
    }

    [TestMethod]
    public void WhatIsWrongIsSaidBeforeARowIsRead()
    {
        var view = View();
        foreach (var (action, part) in (IEnumerable<(Action, string)>)[
            (() => Extractor(Backbone.Micro), "Say where the weights of micro come from"),
            (() => Extractor(SmallTraining.Backbone with { InputChannels = 4 }), "pictures have 3 channels"),
            (() => Extractor(options: new ImageFeatureOptions { ImageStatusColumnName = "Features" }), "names it too"),
            (() => Extractor(options: new ImageFeatureOptions { Pooling = FeaturePooling.ClassToken }), "only vision transformers"),
            (() => _ml.Transforms.ExtractImageFeatures("Features", "Nothing", SmallTraining.Backbone).Fit(view), "Nothing")])
        {
            StringAssert.Contains(Assert.Throws<ArgumentException>(action).Message, part);
        }
        using var extractor = Extractor();
        var numbers = _ml.Data.LoadFromEnumerable(new[] { new { ImagePath = 1f } });
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => extractor.Transform(numbers)).Message, "ImagePath");
    }

    [TestMethod]
    public void AProgramOfPythonGivesItsOwnFeaturesAndNoOthers()
    {
        var program = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt");
        var preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };
        var backbone = Backbone.FromTorchScript(program, preprocessing);
        using var extractor = Extractor(backbone);
        using var loaded = (FeaturesTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, extractor)), out _);

        SmallTraining.AssertSameBits(Features(extractor.Transform(View())), Features(loaded.Transform(View())));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => Extractor(backbone, new ImageFeatureOptions { Pooling = FeaturePooling.Average })).Message,
            "Take FeaturePooling.Native");
    }

    private FeaturesTransformer Extractor(Backbone? backbone = null, ImageFeatureOptions? options = null) =>
        _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone ?? SmallTraining.Backbone, options).Fit(View());

    private IDataView View() => SmallPictures.View(_ml, _photos);

    private static float[][] Features(IDataView view) => [.. view.GetColumn<float[]>("Features")];

    private sealed class Row
    {
        public float[] Features { get; set; } = [];
    }

    private sealed class Bytes
    {
        public byte[] Content { get; set; } = [];
    }
}
