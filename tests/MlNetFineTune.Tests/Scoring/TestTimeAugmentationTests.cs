using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>Views of a picture, their averaged scores, and models that share one network.</summary>
[TestClass]
public sealed class TestTimeAugmentationTests
{
    private static readonly TestTimeAugmentation[] s_all =
        [TestTimeAugmentation.None, TestTimeAugmentation.Flip, TestTimeAugmentation.FiveCrop, TestTimeAugmentation.TenCrop,
            TestTimeAugmentation.MultiScale(1, 1.15f, 2)];

    // With a margin around the crop, so that corners differ from the centre.
    private static readonly ImagePreprocessing s_preprocessing = SmallTraining.Backbone.Preprocessing with { CropFraction = 0.75f };

    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Epochs = 1,
        Backbone = SmallTraining.Backbone with { Preprocessing = s_preprocessing }
    };

    private static readonly Lazy<byte[]> s_zip = new(() =>
    {
        using var model = SmallTraining.Fit(new MLContext(), s_options with { Epochs = 3 }, SmallPictures.Take(10));
        return SmallTraining.Save(new MLContext(), model);
    });

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(7);

    public static IEnumerable<object[]> All => s_all.Select(augmentation => new object[] { augmentation });

    /// <summary>tools/reference/views_fixture.py. Pillow rounds to bytes between its two passes;
    /// one step of 255 is all that may make.</summary>
    [TestMethod]
    public void ViewsAreTorchvisionsCropsWithinOneStepOf255()
    {
        foreach (var expected in Fixture.Read("views.json").GetProperty("cases").EnumerateArray())
        {
            var (width, height, size) = ((int)expected.Number("width"), (int)expected.Number("height"), (int)expected.Number("size"));
            var preprocessing = new ImagePreprocessing { Size = size, CropFraction = size / (float)expected.Number("shorter") };
            var file = FormulaPicture.Encode(FormulaPicture.Pixels(width, height), width, height);
            var scales = expected.GetProperty("scales").EnumerateArray().Select(scale => (float)scale.Number("scale")).ToArray();
            var at = expected.GetProperty("at").Numbers().Select(v => (int)v).ToArray();

            // torchvision's order: corners, then the centre; ours begins with the centre.
            Augmentation[] ten = [.. TestTimeAugmentation.TenCrop.Views(preprocessing)];
            Compare([.. ten[1..5], ten[0], .. ten[6..], ten[5]], expected.GetProperty("tenCrop"), "ten crop");
            Compare([.. ten[1..5], ten[0]], expected.GetProperty("tenCrop"), "five crop");
            CollectionAssert.AreEqual(ten[..5], TestTimeAugmentation.FiveCrop.Views(preprocessing).ToArray());
            var fits = scales.Select((scale, i) => (scale, i)).Where(s => (int)(expected.Number("shorter") * s.scale) >= size).ToArray();
            var views = TestTimeAugmentation.MultiScale([.. fits.Select(s => s.scale)]).Views(preprocessing);
            for (var i = 0; i < fits.Length; i++)
                CompareOne(views[i], expected.GetProperty("scales")[fits[i].i], $"scale {fits[i].scale}");

            void Compare(Augmentation[] views, JsonElement references, string what)
            {
                for (var i = 0; i < views.Length; i++)
                    CompareOne(views[i], references[i], $"{what}, view {i}");
            }

            void CompareOne(Augmentation view, JsonElement reference, string what)
            {
                var output = new byte[size * size * 3];
                Assert.IsNull(new ImageEncoder(preprocessing).EncodeBytes(file, view, default, output));
                var samples =
                    at.SelectMany(y => at.SelectMany(x => Enumerable.Range(0, 3).Select(c => (double)output[(y * size + x) * 3 + c])));
                Assert.IsLessThanOrEqualTo(1, samples.Zip(reference.GetProperty("samples").Numbers(), (a, b) => Math.Abs(a - b)).Max(),
                    $"{what} of {width} x {height}: largest difference");
                for (var c = 0; c < 3; c++)
                    Assert.AreEqual(reference.GetProperty("mean")[c].GetDouble(), output.Where((_, i) => i % 3 == c).Average(b => b), 0.1,
                        $"{what} of {width} x {height}: mean of channel {c}");
            }
        }
    }

    [TestMethod]
    public void TheCentreViewIsWhatScoringSeesWithoutViews()
    {
        foreach (var (width, height) in (ReadOnlySpan<(int, int)>)[(500, 375), (37, 1000), (224, 224), (101, 83), (3, 1)])
        {
            var preprocessing = new ImagePreprocessing();
            var file = FormulaPicture.Encode(FormulaPicture.Pixels(width, height), width, height);
            var (plain, view, scaled) = (new byte[224 * 224 * 3], new byte[224 * 224 * 3], new byte[224 * 224 * 3]);
            new ImageEncoder(preprocessing).EncodeBytes(file, Augmentation.None, default, plain);
            new ImageEncoder(preprocessing).EncodeBytes(file, TestTimeAugmentation.FiveCrop.Views(preprocessing)[0], default, view);
            new ImageEncoder(preprocessing).EncodeBytes(file, TestTimeAugmentation.MultiScale(1).Views(preprocessing)[0], default, scaled);

            CollectionAssert.AreEqual(plain, view);
            CollectionAssert.AreEqual(plain, scaled);
        }
    }

    /// <summary>The naive twin: one forward pass for each view of each picture.</summary>
    [TestMethod]
    [DynamicData(nameof(All))]
    public void ScoresAreTheMeanOverTheViews(TestTimeAugmentation augmentation)
    {
        using var model = LoadModel();
        using var several = model.WithTestTimeAugmentation(augmentation);
        var views = augmentation.Views(s_preprocessing);
        float[][] expected = [.. _photos.Select(photo =>
        {
            float[][] perView = [.. views.Select(view => ScoreOne(model, photo.ImagePath, view))];
            return Enumerable.Range(0, 3).Select(c => perView.Average(scores => scores[c])).ToArray();
        })];

        var scored = several.Transform(SmallPictures.View(_ml, _photos));
        SmallTraining.AssertClose(expected, SmallTraining.Scores(scored));
        CollectionAssert.AreEqual(expected.Select(scores => (uint)Array.IndexOf(scores, scores.Max()) + 1).ToArray(),
            SmallTraining.PredictedKeys(scored));
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
            several, new PredictionEngineOptions { OwnsTransformer = false });
        SmallTraining.AssertClose(expected, [.. _photos.Select(photo => engine.Predict(photo).Score)]);
    }

    private static float[] ScoreOne(FineTuningTransformer model, string path, Augmentation view)
    {
        var encoder = new ImageEncoder(s_preprocessing);
        var pixels = new byte[encoder.Length];
        Assert.IsNull(encoder.EncodeFile(path, view, default, pixels));
        float[] scores = [];
        model.Scorer.Read(classifier =>
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var normalizer = new PixelNormalizer(s_preprocessing, classifier.Device);
            using var noGradients = TorchSharp.torch.no_grad();
            var logits = classifier.ForwardRest(normalizer.Normalize(pixels, 1), first: 0);
            scores = [.. TorchSharp.torch.nn.functional.softmax(logits, 1).data<float>()];
        });
        return scores;
    }

    [TestMethod]
    public void WithoutViewsTheScoresKeepEveryBit()
    {
        using var model = LoadModel();
        using var flipped = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        using var back = flipped.WithTestTimeAugmentation(TestTimeAugmentation.None);
        var view = SmallPictures.View(_ml, SmallPictures.Take(15));

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(back.Transform(view)));
        Assert.IsFalse(SmallTraining.Scores(model.Transform(view)).Zip(SmallTraining.Scores(flipped.Transform(view)))
            .All(pair => pair.First.SequenceEqual(pair.Second)));
    }

    [TestMethod]
    public void TheOptionIsSavedAndWhatIsLoadedScoresAlike()
    {
        foreach (var augmentation in s_all)
        {
            using var model = SmallTraining.Fit(_ml, s_options with { TestTimeAugmentation = augmentation }, _photos);
            Assert.AreEqual(augmentation, model.TestTimeAugmentation);
            var zip = SmallTraining.Save(_ml, model);
            Assert.AreEqual(augmentation.ToString(), (string?)JsonNode.Parse(Zip.Entry(zip, "manifest.json"))!["TestTimeAugmentation"]);
            using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(zip), out _);

            Assert.AreEqual(augmentation, loaded.TestTimeAugmentation);
            var view = SmallPictures.View(_ml, _photos);
            SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(loaded.Transform(view)));
        }
    }

    [TestMethod]
    public void AModelChangedAfterwardsIsSavedAsChangedAndOneFittedSoScoresTheSame()
    {
        using var model = SmallTraining.Fit(_ml, s_options, _photos);
        using var changed = model.WithTestTimeAugmentation(TestTimeAugmentation.FiveCrop);
        using var fitted = SmallTraining.Fit(_ml, s_options with { TestTimeAugmentation = TestTimeAugmentation.FiveCrop }, _photos);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, changed)), out _);

        Assert.AreEqual(TestTimeAugmentation.None, model.TestTimeAugmentation);
        Assert.AreSame(model.Report, changed.Report);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(model), SmallTraining.WeightsOf(fitted));
        var view = SmallPictures.View(_ml, _photos);
        SmallTraining.AssertSameBits(SmallTraining.Scores(fitted.Transform(view)), SmallTraining.Scores(changed.Transform(view)));
        SmallTraining.AssertSameBits(SmallTraining.Scores(fitted.Transform(view)), SmallTraining.Scores(loaded.Transform(view)));
    }

    [TestMethod]
    public void AFileFromBeforeTheOptionScoresTheCentre()
    {
        var zip = Zip.With(s_zip.Value, "manifest.json", Without);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

        Assert.AreEqual(TestTimeAugmentation.None, loaded.TestTimeAugmentation);

        static byte[] Without(byte[] json)
        {
            var manifest = JsonNode.Parse(json)!.AsObject();
            Assert.IsTrue(manifest.Remove("TestTimeAugmentation"));
            return JsonSerializer.SerializeToUtf8Bytes(manifest);
        }
    }

    [TestMethod]
    [DataRow("Spin", "no test-time augmentation")]
    [DataRow("MultiScale(1, x)", "'x' in 'MultiScale(1, x)' is no number")]
    [DataRow("MultiScale()", "no number")]
    [DataRow("MultiScale(9)", "at most 4")]
    [DataRow("MultiScale(0.5)", "less than the crop of 32")]
    public void AFileThatAsksForUnknownViewsIsRefused(string text, string message)
    {
        var zip = Zip.With(s_zip.Value, "manifest.json", json =>
        {
            var manifest = JsonNode.Parse(json)!;
            manifest["TestTimeAugmentation"] = text;
            return JsonSerializer.SerializeToUtf8Bytes(manifest);
        });

        var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _));

        var inner = error as InvalidDataException ?? error.InnerException as InvalidDataException;
        StringAssert.Contains(inner!.Message, "its manifest.json asks for views that cannot be scored");
        StringAssert.Contains(inner.Message, message);
    }

    [TestMethod]
    public void DisposingOneOfTwoModelsLeavesTheOther()
    {
        var view = SmallPictures.View(_ml, _photos);
        foreach (var originalFirst in new[] { true, false })
        {
            var model = LoadModel();
            var flipped = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
            var (first, second) = originalFirst ? (model, flipped) : (flipped, model);
            var expected = SmallTraining.Scores(second.Transform(view));

            first.Dispose();
            first.Dispose();

            Assert.Throws<ObjectDisposedException>(() => SmallTraining.Scores(first.Transform(view)));
            Assert.Throws<ObjectDisposedException>(() => first.WithTestTimeAugmentation(TestTimeAugmentation.Flip));
            SmallTraining.AssertSameBits(expected, SmallTraining.Scores(second.Transform(view)));
            using (var third = second.WithTestTimeAugmentation(TestTimeAugmentation.TenCrop))
                Assert.HasCount(_photos.Length, SmallTraining.Scores(third.Transform(view)));
            second.Dispose();
            Assert.Throws<ObjectDisposedException>(() => SmallTraining.Scores(second.Transform(view)));
        }
    }

    [TestMethod]
    public void ThreadsThatShareAndDisposeNeverDisturbOneAnother()
    {
        using var model = LoadModel();
        var view = SmallPictures.View(_ml, _photos);
        var expected = SmallTraining.Scores(model.Transform(view));

        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var mine = model.WithTestTimeAugmentation(s_all[i % s_all.Length]);
            Assert.HasCount(_photos.Length, SmallTraining.Scores(mine.Transform(view)));
        });

        SmallTraining.AssertSameBits(expected, SmallTraining.Scores(model.Transform(view)));
    }

    [TestMethod]
    public void APictureThatCannotBeReadLeavesTheScoresOfTheOthers()
    {
        using var model = LoadModel();
        using var flipped = model.WithTestTimeAugmentation(TestTimeAugmentation.MultiScale(1, 1.5f, 2));
        Photo[] photos = [_photos[0], new Photo { ImagePath = "missing.png" }, .. _photos[1..]];

        var scores = SmallTraining.Scores(flipped.Transform(SmallPictures.View(_ml, photos)));

        Assert.IsTrue(scores[1].All(float.IsNaN));
        SmallTraining.AssertClose(SmallTraining.Scores(flipped.Transform(SmallPictures.View(_ml, _photos))), [scores[0], .. scores[2..]]);
    }

    [TestMethod]
    public void ImageColumnsHaveViewsToo()
    {
        var rows = _photos.Select(photo => new ImageRow { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) }).ToArray();
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
            s_options with { ImageColumnName = "Image", TestTimeAugmentation = TestTimeAugmentation.FiveCrop }).Fit(view);
        using var plain = model.WithTestTimeAugmentation(TestTimeAugmentation.None);

        Assert.IsTrue(SmallTraining.Scores(model.Transform(view)).All(scores => Math.Abs(scores.Sum() - 1) < 1e-4));
        Assert.IsFalse(SmallTraining.Scores(model.Transform(view)).Zip(SmallTraining.Scores(plain.Transform(view)))
            .All(pair => pair.First.SequenceEqual(pair.Second)));
    }

    [TestMethod]
    public void ValidationSeesTheCentreAlone()
    {
        using var plain = SmallTraining.Fit(_ml, s_options with { Validation = ValidationData.Fraction(0.3f) }, _photos);
        using var several = SmallTraining.Fit(
            _ml, s_options with { Validation = ValidationData.Fraction(0.3f), TestTimeAugmentation = TestTimeAugmentation.FiveCrop },
            _photos);

        CollectionAssert.AreEqual(plain.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray(),
            several.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray());
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => TestTimeAugmentation.MultiScale(null!));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TestTimeAugmentation.MultiScale()).Message,
            "1 to 16 scales");
        foreach (var scale in new[] { 0, -1, 4.1f, float.NaN })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => TestTimeAugmentation.MultiScale(1, scale)).Message, "above 0 and at most 4");
        var tooWide = s_options with { TestTimeAugmentation = TestTimeAugmentation.MultiScale(1, 0.7f) };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(tooWide)).Message,
            "MultiScale(1, 0.7): at scale 0.7 the shorter side is 29 pixels, less than the crop of 32. "
                + "The least scale here is the crop fraction, 0.75.");
        using var model = LoadModel();
        Assert.ThrowsExactly<ArgumentException>(() => model.WithTestTimeAugmentation(TestTimeAugmentation.MultiScale(0.7f)));
        Assert.ThrowsExactly<ArgumentNullException>(() => model.WithTestTimeAugmentation(null!));
        foreach (var augmentation in s_all)
            Assert.AreEqual(augmentation, TestTimeAugmentation.FromCode(augmentation.Code));
    }

    private FineTuningTransformer LoadModel() => (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_zip.Value), out _);

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
