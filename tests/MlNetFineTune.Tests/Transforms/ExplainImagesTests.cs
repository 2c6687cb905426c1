using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Explanations as ML.NET's users have them: in order, in batches, in chains, one by one, from every kind of column.</summary>
[TestClass]
public sealed class ExplainImagesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(13).Take(37).ToArray();

    [TestMethod]
    public void RowsKeepTheirOrderWhateverIsAskedOfThem()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam("layer2"));
        var rows = _photos.Select((photo, i) => new Numbered { ImagePath = photo.ImagePath, Number = i }).ToArray();
        var explained = explainer.Transform(_ml.Data.LoadFromEnumerable(rows));
        float[][] single = [.. rows.Select(row => Maps(explainer, [row])[0])];

        var all = _ml.Data.CreateEnumerable<Mapped>(explained, reuseRowObject: false).ToArray();
        CollectionAssert.AreEqual(rows.Select(row => row.Number).ToArray(), all.Select(row => row.Number).ToArray());
        SmallTraining.AssertClose(single, [.. all.Select(row => row.Map)]);
        Assert.IsTrue(single.All(map => map.Length == explainer.MapHeight * explainer.MapWidth && map.Max() > 0));
        SmallTraining.AssertClose(single[20..30], [.. _ml.Data.FilterRowsByColumn(explained, "Number", 20, 30).GetColumn<float[]>("Map")]);

        // Pictures as well; and they alone.
        foreach (var (i, row) in _ml.Data.CreateEnumerable<Shown>(explained, reuseRowObject: false).Take(20).Index())
        {
            using var image = row.Why!;
            Assert.AreEqual((i, 48, 48), ((int)row.Number, image.Width, image.Height));
            SmallTraining.AssertClose([single[i]], [row.Map]);
        }
    }

    [TestMethod]
    public void NothingIsComputedUntilItIsAskedForAndDataAreReadOnce()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        var view = new CountingView(SmallPictures.View(_ml, _photos));
        var explained = explainer.Transform(view);
        Assert.AreEqual(0, view.Cursors);
        Assert.AreEqual(_photos.Length, explained.GetColumn<string>("ImagePath").Count());
        Assert.AreEqual(1, view.Cursors);
        _ = explained.GetColumn<float[]>("Map").ToArray();
        Assert.AreEqual(2, view.Cursors);
    }

    [TestMethod]
    public void SeveralCursorsAtOnceAndScoringBesideThemGiveTheSame()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var cam = Explainer(model, Explanation.GradCam());
        using var gradients = Explainer(model, Explanation.IntegratedGradients(steps: 4));
        var view = SmallPictures.View(_ml, _photos);
        var (scores, maps, fine) = (SmallTraining.Scores(model.Transform(view)), MapsOf(cam), MapsOf(gradients));

        Parallel.For(0, 6, i =>
        {
            if (i % 3 == 0)
                SmallTraining.AssertSameBits(scores, SmallTraining.Scores(model.Transform(view)));
            else if (i % 3 == 1)
                SmallTraining.AssertSameBits(maps, MapsOf(cam));
            else
                SmallTraining.AssertSameBits(fine, MapsOf(gradients));
        });
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(model.Transform(view)));

        float[][] MapsOf(ImageExplainingTransformer explainer) => [.. explainer.Transform(view).GetColumn<float[]>("Map")];
    }

    [TestMethod]
    public void ACallerInInferenceModeGetsExplanationsToo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        var expected = Maps(explainer, _photos[..3]);
        using (torch.inference_mode())
            SmallTraining.AssertSameBits(expected, Maps(explainer, _photos[..3]));
        using (torch.no_grad())
            SmallTraining.AssertSameBits(expected, Maps(explainer, _photos[..3]));
    }

    [TestMethod]
    public void APredictionEngineExplainsOneByOne()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var explainer = _ml.Transforms.ExplainImages("Why", "ImagePath", model, Explanation.GradCam(), "Map")
            .Fit(SmallPictures.View(_ml, _photos));
        var chain = new TransformerChain<ITransformer>(model, explainer);
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Both>(chain); // owns the chain
        var expected = Maps(explainer, _photos[..5]);
        foreach (var (photo, map) in _photos.Zip(expected))
        {
            var row = engine.Predict(photo);
            using var image = row.Why!;
            SmallTraining.AssertClose([map], [row.Map]);
            Assert.AreEqual(1, row.Score.Sum(), 1e-5);
            Assert.AreEqual((48, 48), (image.Width, image.Height));
        }
    }

    [TestMethod]
    [DynamicData(nameof(PictureSources.Names), typeof(PictureSources))]
    public void EveryKindOfColumnIsExplainedAndDrawnOver(string column)
    {
        var rows = PictureSources.Rows(2);
        var view = _ml.Data.LoadFromEnumerable(rows);
        using var model = PictureSources.All.Single(source => source.Column == column).Pixels is null
            ? SmallTraining.LoadModel(_ml) // of paths
            : _ml.MulticlassClassification.Trainers.FineTuneImages(PictureSources.Options(column) with { Epochs = 1 })
                .Fit(SmallTraining.WithKeys(_ml, view));
        var unseen = Explanation.GradCam() with { Strength = 0 };
        using var explainer = _ml.Transforms.ExplainImages("Why", column, model, unseen, "Map").Fit(view);

        var maps = Maps(explainer, rows);
        foreach (var (row, image) in rows.Zip(explainer.Transform(view).GetColumn<MLImage>("Why")))
        {
            using (image)
            {
                var colors = image.Pixels.ToArray().Where((_, i) => i % 4 < 3).ToArray();
                CollectionAssert.AreEqual(row.Interleaved, colors, "without heat it is the picture");
            }
        }
        if (model.Report is null)
        {
            using var byPath = Explainer(model, Explanation.GradCam());
            SmallTraining.AssertSameBits(Maps(byPath, rows), maps);
        }
        Assert.IsTrue(maps.All(map => map.All(float.IsFinite)));
    }

    [TestMethod]
    public void APictureThatCannotBeReadHasNoExplanationAndTheOthersDo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        var lines = new List<string>();
        _ml.Log += (_, line) => lines.Add(line.Message);
        Photo[] photos = [_photos[0], new() { ImagePath = "there-is-none.png" }, _photos[1], new() { ImagePath = "" }];
        var rows = _ml.Data.CreateEnumerable<Shown>(
            explainer.Transform(_ml.Data.LoadFromEnumerable(photos.Select((photo, i) =>
                new Numbered { ImagePath = photo.ImagePath, Number = i }))), reuseRowObject: false).ToArray();

        CollectionAssert.AreEqual(new[] { true, false, true, false }, rows.Select(row => row.Why is not null).ToArray());
        CollectionAssert.AreEqual(
            new[] { false, true, false, true }, rows.Select(row => row.Map.All(float.IsNaN)).ToArray());
        StringAssert.Contains(string.Join("\n", lines), "2 pictures could not be read; their explanations are missing");
        foreach (var row in rows)
            row.Why?.Dispose();
    }

    [TestMethod]
    public void ModelAndExplainerShareTheNetworkUntilBothAreDisposed()
    {
        var model = SmallTraining.LoadModel(_ml);
        var explainer = Explainer(model, Explanation.GradCam());
        var expected = Maps(explainer, _photos[..3]);
        model.Dispose();
        SmallTraining.AssertSameBits(expected, Maps(explainer, _photos[..3]));
        Assert.Throws<ObjectDisposedException>(() => Explainer(model, Explanation.GradCam()));
        explainer.Dispose();
        explainer.Dispose();
        StringAssert.Contains(
            Assert.Throws<ObjectDisposedException>(() => Maps(explainer, _photos[..3])).Message, "model was disposed");
    }

    [TestMethod]
    public void AChainIsFittedSavedAndLoadedWithTheWeightsInItOnce()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos[..6]);
        var explanation = Explanation.IntegratedGradients(3, new ColorTriple(0.5f, 0.25f, 1)) with { Class = "rings", Strength = 0.4f };
        var explainer = _ml.Transforms.ExplainImages("Why", "Path", model, explanation, "Map");
        var pipeline = _ml.Transforms.CopyColumns("Path", "ImagePath").Append(explainer);
        using var rest = pipeline.Fit(view);
        using var chain = new TransformerChain<ITransformer>(model, rest);
        var expected = chain.Transform(view).GetColumn<float[]>("Map").ToArray();
        var zip = SmallTraining.Save(_ml, chain, view.Schema);

        Assert.HasCount(1, Zip.Read(zip).Keys.Where(name => name.EndsWith("weights.safetensors", StringComparison.Ordinal)));
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(new MemoryStream(zip), out _);
        SmallTraining.AssertSameBits(expected, [.. loaded.Transform(view).GetColumn<float[]>("Map")]);
        SmallTraining.AssertSameBits(SmallTraining.Scores(chain.Transform(view)), SmallTraining.Scores(loaded.Transform(view)));
        var again = SmallTraining.Save(_ml, loaded, view.Schema);
        CollectionAssert.AreEqual(Zip.Read(zip).Keys.Order().ToArray(), Zip.Read(again).Keys.Order().ToArray());
        var inner = (IEnumerable<ITransformer>)loaded.Last();
        Assert.AreEqual(
            "IntegratedGradients(steps: 3, baseline: 0.5 0.25 1), class: rings, strength: 0.4",
            inner.OfType<ImageExplainingTransformer>().Single().Explanation.ToString());
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetExplainsWithTheSameBits()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(explainer, null, path); // alone, and so with its model within
        Assert.HasCount(
            1, Zip.Read(File.ReadAllBytes(path)).Keys.Where(name => name.EndsWith("weights.safetensors", StringComparison.Ordinal)));

        var printed = LoadOnly.Run(["--column", "Map", path, .. _photos[..4].Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            Maps(explainer, _photos[..4])
                .Select(map => string.Join(' ', SmallTraining.Bits(map).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void AZipWhoseModelIsNotBeforeTheExplanationsIsRefused()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        using var chain = new TransformerChain<ITransformer>(model, explainer);
        var zip = SmallTraining.Save(_ml, chain);
        var entries = Zip.Read(zip);
        var (path, json) = entries.Select(entry => (entry.Key, Text: Encoding.UTF8.GetString(entry.Value)))
            .Single(entry => entry.Key.EndsWith("manifest.json", StringComparison.Ordinal) && entry.Text.Contains("OutputColumn"));

        AssertRefused(json.Replace("\"Model\": \"", "\"Model\": \"no"), "there is none before it in the chain");
        AssertRefused(json.Replace("\"GradCam\"", "\"Guesses\""), "cannot be read");
        AssertRefused(json.Replace("\"Strength\": 0.7", "\"Strength\": 7"), "makes no sense");
        AssertRefused(json.Replace("\"Class\": null", "\"Class\": \"cat\""), "has no class 'cat'");
        AssertRefused(json.Replace("\"Size\": 32", "\"Size\": 64"), "enter another network");
        AssertRefused(json.Replace("\"FormatVersion\": 1", "\"FormatVersion\": 2"), "Update the package");

        void AssertRefused(string changed, string because)
        {
            Assert.AreNotEqual(json, changed);
            entries[path] = Encoding.UTF8.GetBytes(changed);
            entries[path.Replace(".json", ".sha256")] =
                Encoding.UTF8.GetBytes(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(changed))));
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(Zip.Of(entries)), out _));
            StringAssert.Contains(error.ToString(), because);
        }
    }

    [TestMethod]
    public void ConvertToOnnxRefusesExplanations()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var explainer = Explainer(model, Explanation.GradCam());
        using var written = new MemoryStream();
        var error = Assert.ThrowsExactly<NotSupportedException>(
            () => _ml.Model.ConvertToOnnx(explainer, SmallPictures.View(_ml, _photos), written));
        StringAssert.Contains(error.Message, "leave ExplainImages out");
        Assert.AreEqual(0, written.Length);
    }

    /// <summary>An explainer leaves a model that can be trained on, saved and explained again.</summary>
    [TestMethod]
    public void AnExplainedModelIsContinuedAndItsWeightsAreAsTheyWere()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var before = SmallTraining.WeightsOf(model);
        using (var explainer = Explainer(model, Explanation.IntegratedGradients(steps: 2)))
            _ = Maps(explainer, _photos[..2]);
        CollectionAssert.AreEqual(before, SmallTraining.WeightsOf(model));
        var options = SmallTraining.Options with { Backbone = Backbone.FromModel(model), Epochs = 1 };
        using var next = SmallTraining.Fit(_ml, options, SmallPictures.Take(2));
        CollectionAssert.AreNotEqual(before, SmallTraining.WeightsOf(next));
    }

    [TestMethod]
    public void DefaultsAreTheDocumentedOnes()
    {
        var cam = Explanation.GradCam();
        Assert.AreEqual((null, null, 0.7f), (cam.Class, cam.Head, cam.Strength));
        Assert.AreEqual("GradCam(stage: last), class: predicted, strength: 0.7", cam.ToString());
        Assert.AreEqual(Explanation.IntegratedGradients(32, default(ColorTriple)), Explanation.IntegratedGradients());
        Assert.AreNotEqual(Explanation.IntegratedGradients(31), Explanation.IntegratedGradients());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Explanation.IntegratedGradients(0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Explanation.IntegratedGradients(baseline: new ColorTriple(0, 0, 1.5f)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Explanation.GradCam() with { Strength = float.NaN });
    }

    private ImageExplainingTransformer Explainer(FineTuningTransformer model, Explanation explanation) =>
        _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation, mapColumnName: "Map").Fit(SmallPictures.View(_ml, _photos));

    private float[][] Maps<T>(ImageExplainingTransformer explainer, T[] rows)
        where T : class => [.. explainer.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Map")];

    private sealed class Numbered
    {
        public string ImagePath { get; set; } = "";

        public float Number { get; set; }
    }

    private sealed class Mapped
    {
        public float Number { get; set; }

        public float[] Map { get; set; } = [];
    }

    private sealed class Shown
    {
        public float Number { get; set; }

        public float[] Map { get; set; } = [];

        public MLImage? Why { get; set; }
    }

    private sealed class Both
    {
        public float[] Score { get; set; } = [];

        public float[] Map { get; set; } = [];

        public MLImage? Why { get; set; }
    }
}
