using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>A frozen text encoder as a transform: in batches and alone, truncated, cached, saved, before ML.NET's trainers.</summary>
[TestClass]
public sealed class TextFeaturesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TextRow[] _rows = SmallTexts.Take(90);

    [TestMethod]
    public void TheDefaultsAreTheDocumentedOnes()
    {
        var options = new TextFeatureOptions();

        Assert.IsTrue(options.Normalize);
        Assert.IsNull(options.MaximumLength);
        Assert.AreEqual(TextTruncation.KeepStart, options.Truncation);
        Assert.IsNull(options.SecondTextColumnName);
        Assert.IsNull(options.TextStatusColumnName);
        Assert.AreEqual(FeatureCache.None, options.FeatureCache);
        Assert.AreEqual(ProbeMismatch.Warn, options.OnProbeMismatch);
    }

    [TestMethod]
    public void FeaturesOfAFittedModelAreThoseThatItsHeadScores()
    {
        using var model = Trained();
        using var extractor = Extractor(TextBackbone.FromModel(model), new TextFeatureOptions { Normalize = false, MaximumLength = 24 });
        var expected = SmallTraining.Scores(model.Transform(View()));

        var features = Features(extractor.Transform(View()));

        Assert.AreEqual((16, "Mean"), (extractor.FeatureCount, extractor.Pooling));
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rows = tensor(features.SelectMany(row => row).ToArray(), [features.Length, 16]);
            var scores = nn.functional.softmax(((TextNetwork)network).Head.forward(rows), dim: 1).Values();
            Fixture.AreClose([.. expected.SelectMany(row => row).Select(score => (double)score)], scores, 1e-5, "scores");
        });
    }

    [TestMethod]
    public void NormalizedFeaturesHaveLengthOneAndTheSameDirection()
    {
        using var plain = Extractor(options: new TextFeatureOptions { Normalize = false });
        using var normalized = Extractor();
        var (vectors, units) = (Features(plain.Transform(View())), Features(normalized.Transform(View())));

        Assert.AreEqual("Mean, normalized", normalized.Pooling);
        foreach (var (vector, unit) in vectors.Zip(units))
        {
            Assert.AreEqual(1, Length(unit), 1e-5);
            var length = Length(vector);
            Assert.AreNotEqual(1, length, 1e-2);
            SmallTraining.AssertClose([[.. vector.Select(value => (float)(value / length))]], [unit]);
        }

        static double Length(float[] vector) => Math.Sqrt(vector.Sum(value => (double)value * value));
    }

    [TestMethod]
    public void ThePoolingOfTheBackboneApplies()
    {
        using var mean = Extractor();
        using var token = Extractor(SmallTexts.Backbone with { Pooling = TextBackbone.TokenPooling.ClassToken });

        Assert.AreEqual("ClassToken, normalized", token.Pooling);
        CollectionAssert.AreNotEqual(Features(mean.Transform(View()))[0], Features(token.Transform(View()))[0]);
        Assert.AreEqual("layer1.mean.0", SlotNames(mean)[0]);
        Assert.AreEqual("layer1.token.15", SlotNames(token)[15]);
    }

    [TestMethod]
    public void ABatchAPredictionEngineAndAPredictorAgree()
    {
        using var extractor = Extractor();
        var batched = Features(extractor.Transform(View()));
        Assert.HasCount(90, batched);
        Assert.IsTrue(batched.All(row => row.Length == 16 && row.All(float.IsFinite)));

        using (var engine = _ml.Model.CreatePredictionEngine<TextRow, Vector>(
            extractor, new PredictionEngineOptions { OwnsTransformer = false }))
        {
            for (var i = 0; i < 5; i++)
                SmallTraining.AssertClose([batched[i]], [engine.Predict(_rows[i]).Features]);
        }
        using var predictor = _ml.Model.CreatePredictor<TextRow, Vector>(extractor);
        SmallTraining.AssertClose([batched[7]], [predictor.PredictAsync(_rows[7]).GetAwaiter().GetResult().Features]);
    }

    [TestMethod]
    public void TheSchemaHasTheFeaturesAndTheStatusAndNothingElseChanges()
    {
        var estimator = _ml.Transforms.ExtractTextFeatures(
            "Features", "Text", SmallTexts.Backbone, new TextFeatureOptions { TextStatusColumnName = "Why" });
        using var extractor = estimator.Fit(View());
        var schema = extractor.GetOutputSchema(View().Schema);

        CollectionAssert.AreEqual(
            View().Schema.Select(column => column.Name).Concat(["Features", "Why"]).ToArray(), schema.Select(one => one.Name).ToArray());
        Assert.AreEqual(extractor.Transform(View()).Schema.ToString(), schema.ToString());
        var shape = estimator.GetOutputSchema(Data.SchemaTests.ShapeOf(View().Schema));
        CollectionAssert.AreEquivalent(schema.Select(one => one.Name).Distinct().ToArray(), shape.Select(one => one.Name).ToArray());
        Assert.AreEqual(SchemaShape.Column.VectorKind.Vector, shape.Single(column => column.Name == "Features").Kind);
    }

    [TestMethod]
    public void PairsOfTextsEnterTogether()
    {
        var options = new TextFeatureOptions { SecondTextColumnName = nameof(TextRow.Second), FeatureCache = FeatureCache.InMemory() };
        using var pairs = Extractor(options: options);
        TextRow[] rows = [Pair("good film", "bad book"), Pair("good film", "bad film"), Pair("good filmbad", " film"), Pair("good", "")];
        var features = Features(pairs.Transform(SmallTexts.View(_ml, rows)));

        Assert.HasCount(4, features.Select(row => string.Join(' ', row)).Distinct().ToArray());
        SmallTraining.AssertSameBits(features, Features(pairs.Transform(SmallTexts.View(_ml, rows)))); // the cache tells them apart
        Assert.AreEqual(4, pairs.Cache!.Found);

        static TextRow Pair(string first, string second) => new() { Text = first, Second = second, Kind = "good" };
    }

    [TestMethod]
    public void LongTextsAreTruncatedAndTheLogSaysHowMany()
    {
        var log = new LogLines(_ml);
        var view = Texts("good good good good good bad bad bad bad bad", "good good good good", "bad bad bad bad", "");
        var options = new TextFeatureOptions { MaximumLength = 6 };
        using var start = Extractor(options: options);
        using var end = Extractor(options: options with { Truncation = TextTruncation.KeepEnd });
        var (first, last) = (Features(start.Transform(view)), Features(end.Transform(view)));

        SmallTraining.AssertClose([first[1]], [first[0]]);
        SmallTraining.AssertClose([last[2]], [last[0]]);
        Assert.IsTrue(first[3].All(float.IsFinite), "an empty text has the features of its special tokens");
        Assert.HasCount(2, log.All.Where(line => line == "1 text is longer than the maximum length; a part of it was left out.").ToList());

        using var refusing = Extractor(options: options with { Truncation = TextTruncation.Refuse, TextStatusColumnName = "Why" });
        var refused = refusing.Transform(view);
        Assert.IsTrue(Features(refused)[0].All(float.IsNaN));
        SmallTraining.AssertClose(first[1..], Features(refused)[1..]);
        StringAssert.Contains(refused.GetColumn<string>("Why").First(), "it has 12 tokens, and at most 6 are allowed");
        Assert.IsTrue(
            log.Warnings.Any(line => line.StartsWith("1 text could not be read; its features are missing", StringComparison.Ordinal)),
            log.ToString());
    }

    [TestMethod]
    public void TheMaximumLengthIsNeverMoreThanTheNetworks()
    {
        using var extractor = Extractor();
        var longest = string.Join(' ', Enumerable.Repeat("good", 1000));
        Assert.IsTrue(Features(extractor.Transform(Texts(longest)))[0].All(float.IsFinite));
        Assert.AreEqual(34, extractor.Input.Shapes[0].Size);
    }

    [TestMethod]
    public void ASecondPassFindsEveryTextAndGivesTheSameBits()
    {
        using var folder = new Folder();
        var options = new TextFeatureOptions { FeatureCache = FeatureCache.InFolder(folder.File("features")) };
        using var plain = Extractor();
        float[][] first;
        var different = _rows.Select(row => row.Text).Distinct().Count();
        using (var extractor = Extractor(options: options))
        {
            first = Features(extractor.Transform(View()));
            Assert.AreEqual(different, extractor.Cache!.Kept);
            SmallTraining.AssertSameBits(first, Features(extractor.Transform(View())));
            Assert.AreEqual(different, extractor.Cache.Kept);
        }
        SmallTraining.AssertClose(Features(plain.Transform(View())), first);
        using (var loaded = (FeaturesTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, plain)), out _))
        using (var again = loaded.WithFeatureCache(options.FeatureCache))
        {
            SmallTraining.AssertSameBits(first, Features(again.Transform(View())));
            Assert.AreEqual((90L, 0L), (again.Cache!.Found, again.Cache.Kept));
        }
        foreach (var other in (TextFeatureOptions[])[options with { Normalize = false }, options with { MaximumLength = 8 }])
        {
            using var extractor = Extractor(options: other);
            Features(extractor.Transform(View()));
            Assert.AreEqual(different, extractor.Cache!.Kept, $"{other}");
        }
    }

    [TestMethod]
    public void AChainIsSavedAndLoadedWithTheSameFeatures()
    {
        var options = new TextFeatureOptions { Truncation = TextTruncation.KeepBoth, MaximumLength = 8, TextStatusColumnName = "Why" };
        using var chain = _ml.Transforms.ExtractTextFeatures("Features", "Text", SmallTexts.Backbone, options)
            .Append(_ml.Transforms.CopyColumns("Copy", "Features")).Fit(View());
        var zip = SmallTraining.Save(_ml, chain, View().Schema);

        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(new MemoryStream(zip), out _);

        SmallTraining.AssertSameBits(Features(chain.Transform(View())), Features(loaded.Transform(View())));
        Assert.AreEqual(chain.Transform(View()).Schema.ToString(), loaded.Transform(View()).Schema.ToString());
        Assert.AreEqual("Mean, normalized", loaded.OfType<FeaturesTransformer>().Single().Pooling);
        var (expected, actual) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded, View().Schema)));
        foreach (var (name, bytes) in expected)
            CollectionAssert.AreEqual(bytes, actual[name], name);
        Assert.IsTrue(expected.Keys.Any(name => name.EndsWith("vocabulary.txt", StringComparison.Ordinal)));
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetLoadsItAndGivesTheSameBits()
    {
        using var extractor = _ml.Transforms.ExtractTextFeatures("Score", "Text", SmallTexts.Backbone).Fit(View());
        var zip = Path.Combine(SmallPictures.NewFolder(), "features.zip");
        _ml.Model.Save(extractor, View().Schema, zip);
        var rows = _rows.Take(6).ToArray();

        var printed = LoadOnly.Run([zip, .. rows.Select(row => row.Text)]);

        CollectionAssert.AreEqual(
            extractor.Transform(SmallTexts.View(_ml, rows)).GetColumn<float[]>("Score")
                .Select(row => string.Join(' ', SmallTraining.Bits(row).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void ADamagedOrHostileFileIsRefusedWithASentence()
    {
        using var extractor = Extractor();
        var zip = SmallTraining.Save(_ml, extractor);

        foreach (var (from, to, part) in (IEnumerable<(string, string, string)>)[
            ("\"MaximumLength\": 34", "\"MaximumLength\": 64", "texts of up to 64 tokens"),
            ("\"HasSegments\": true", "\"HasSegments\": false", "do not fit a network"),
            ("\"OutputColumn\": \"Features\"", "\"OutputColumn\": \" \"", "output column has no name"),
            ("\"Pooling\": \"Mean\"", "\"Pooling\": \"Median\"", "cannot be read"),
            ("\"Column\": \"Text\"", "\"Column\": \"\"", "no column"),
            ("\"ProbeFeatures\": [", "\"ProbeFeatures\": [0.5,", "probe features of"),
            ("\"Normalizes\": true", "\"Normalizes\": false", ""),
            ("\"FormatVersion\": 1", "\"FormatVersion\": 2", "format version 2")])
        {
            var changed = Zip.With(zip, "manifest.json", bytes =>
                System.Text.Encoding.UTF8.GetBytes(Replaced(System.Text.Encoding.UTF8.GetString(bytes), from, to)));
            if (part.Length == 0) // other features than those of the probe
            {
                var log = new LogLines(_ml);
                (_ml.Model.Load(new MemoryStream(changed), out _) as IDisposable)!.Dispose();
                Assert.IsTrue(
                    log.Warnings.Any(line => line.Contains("scores its probe text otherwise", StringComparison.Ordinal)), log.ToString());
                continue;
            }
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(changed), out _)).GetBaseException();
            StringAssert.Contains(error.Message, part);
            Assert.IsTrue(error is InvalidDataException or NotSupportedException, $"{error.GetType()}");
        }
        var vocabulary = Zip.With(zip, "vocabulary.txt", bytes => [.. bytes, .. "more\n"u8]);
        StringAssert.Contains(
            Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(vocabulary), out _)).GetBaseException().Message,
            "The vocabulary in the model file is damaged");

        static string Replaced(string text, string from, string to)
        {
            Assert.IsTrue(text.Contains(from, StringComparison.Ordinal), $"{from} is not in {text}");
            return text.Replace(from, to, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    public void StockTrainersLearnAndKMeansFindsTheKinds()
    {
        var (train, test) = (View(), SmallTexts.View(_ml, SmallTexts.Take(60, seed: 2)));
        using (var features = Extractor())
        {
            var known = _ml.Data.Cache(features.Transform(train), "Features", "Label");
            foreach (var trainer in (IEstimator<ITransformer>[])[
                _ml.Transforms.NormalizeMeanVariance("Features").Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy()),
                _ml.MulticlassClassification.Trainers.LightGbm(minimumExampleCountPerLeaf: 5, numberOfIterations: 20)])
            {
                var model = trainer.Fit(known);
                Assert.IsGreaterThan(0.75, _ml.MulticlassClassification.Evaluate(model.Transform(features.Transform(test))).MicroAccuracy);
                (model as IDisposable)?.Dispose();
            }
        }
        using var trained = Trained();
        using var chain = _ml.Transforms.ExtractTextFeatures("Features", "Text", TextBackbone.FromModel(trained))
            .Append(_ml.Clustering.Trainers.KMeans(numberOfClusters: 2)).Fit(train);
        var clusters = chain.Transform(train).GetColumn<uint>("PredictedLabel").ToArray();
        var agree = clusters.Zip(_rows).Count(pair => (pair.First == clusters[0]) == (pair.Second.IsGood == _rows[0].IsGood));
        Assert.IsGreaterThan(80, agree);
    }

    [TestMethod]
    public void ADisposedTransformerRefusesToComputeAndToBeSaved()
    {
        var extractor = Extractor();
        var view = extractor.Transform(View());
        using var shared = extractor.WithFeatureCache(FeatureCache.None);
        var expected = Features(view);

        extractor.Dispose();

        foreach (var action in (Action[])[() => Features(view), () => SmallTraining.Save(_ml, extractor)])
            StringAssert.Contains(Assert.Throws<ObjectDisposedException>(action).Message, "model was disposed");
        SmallTraining.AssertSameBits(expected, Features(shared.Transform(View())));
    }

    [TestMethod]
    public void WhatIsWrongIsSaidBeforeARowIsRead()
    {
        using var model = Trained();
        var view = View();
        foreach (var (action, part) in (IEnumerable<(Action, string)>)[
            (() => Extractor(options: new TextFeatureOptions { TextStatusColumnName = "Features" }), "names it too"),
            (() => Extractor(options: new TextFeatureOptions { SecondTextColumnName = "Text" }), "are both in 'Text'"),
            (() => Extractor(options: new TextFeatureOptions { MaximumLength = 35 }), "bert has positions for 34 tokens".Replace(
                "bert", SmallTexts.Backbone.Name, StringComparison.Ordinal)),
            (() => Extractor(options: new TextFeatureOptions { MaximumLength = 5 }), "MaximumLength"),
            (() => Extractor(options: new TextFeatureOptions { Truncation = (TextTruncation)9 }), "no such truncation"),
            (() => Extractor(TextBackbone.FromModel(model) with { Pooling = TextBackbone.TokenPooling.Pooler }), "has no pooler layer"),
            (() => _ml.Transforms.ExtractTextFeatures("Features", "Nothing", SmallTexts.Backbone).Fit(view), "Nothing"),
            (() => _ml.Transforms.ExtractTextFeatures("Features", nameof(TextRow.Number), SmallTexts.Backbone).Fit(view), "Number")])
        {
            StringAssert.Contains(Assert.Throws<ArgumentException>(action).Message, part);
        }
        using var extractor = Extractor();
        var numbers = _ml.Data.LoadFromEnumerable(new[] { new { Text = 1f } });
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => extractor.Transform(numbers)).Message, "Text");
    }

    private FineTuningTransformer Trained() => _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options).Fit(View());

    private FeaturesTransformer Extractor(TextBackbone? backbone = null, TextFeatureOptions? options = null) =>
        _ml.Transforms.ExtractTextFeatures("Features", "Text", backbone ?? SmallTexts.Backbone, options).Fit(View());

    private IDataView View() => SmallTexts.View(_ml, _rows);

    private IDataView Texts(params IEnumerable<string> texts) =>
        SmallTexts.View(_ml, texts.Select(text => new TextRow { Text = text, Kind = "good" }));

    private string[] SlotNames(FeaturesTransformer extractor)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        extractor.Transform(View()).Schema["Features"].GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    private static float[][] Features(IDataView view) => [.. view.GetColumn<float[]>("Features")];

    private sealed class Vector
    {
        public float[] Features { get; set; } = [];
    }
}
