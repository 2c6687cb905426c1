using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Tags of pictures: dots and rings are round as well, and stripes have no tag.</summary>
[TestClass]
public sealed class MultiLabelImagesTests
{
    private static readonly string[] s_tags = ["dots", "round", "rings"];

    private readonly MLContext _ml = new(seed: 1);

    private static ImageFineTuningOptions Options => SmallTraining.Options with
    {
        Task = LearningTask.MultiLabel(),
        LabelColumnName = "Tags",
        Epochs = 8,
        LearningRate = 1e-2f,
    };

    [TestMethod]
    public void PicturesAreTaggedInAFreshProcessOneByOneAndByThePredictor()
    {
        using var folder = new Folder();
        using var model = _ml.FineTuning.FineTuneImages(Options).Fit(View(SmallPictures.Take(16)));
        var test = SmallPictures.Take(6, skip: 20);
        var scored = model.Transform(View(test));
        Assert.IsGreaterThan(0.8, _ml.FineTuning.EvaluateMultiLabel(scored, "Tags").MeanAveragePrecision);
        CollectionAssert.AreEquivalent(s_tags, model.Classes.ToArray());
        var expected = SmallTraining.Scores(scored);

        var zip = folder.File("model.zip");
        _ml.Model.Save(model, null, zip);
        var printed = LoadOnly.Run([zip, .. test.Select(photo => photo.ImagePath)]).Trim().Split('\n');
        CollectionAssert.AreEqual(
            expected.Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(Hexadecimal))).ToArray(),
            printed.Select(line => line.Trim()).ToArray());

        using var loaded = _ml.Model.Load(zip, out _) as FineTuningTransformer;
        SmallTraining.AssertSameBits(expected, SmallTraining.Scores(loaded!.Transform(View(test))));
        using var engine = _ml.Model.CreatePredictionEngine<TaggedPhoto, Prediction>(
            loaded, new PredictionEngineOptions { OwnsTransformer = false });
        using var predictor = _ml.Model.CreatePredictor<TaggedPhoto, Prediction>(loaded);
        foreach (var (photo, scores) in test.Zip(expected).Take(4))
        {
            var row = new TaggedPhoto { ImagePath = photo.ImagePath };
            foreach (var prediction in (Prediction[])[engine.Predict(row), predictor.Predict(row)])
            {
                SmallTraining.AssertClose([scores], [prediction.Score]);
                CollectionAssert.AreEqual(scores.Select(score => score > 0.5f).ToArray(), prediction.PredictedLabel);
            }
        }

        static string Hexadecimal(int bits) => bits.ToString("X8", CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public void APictureThatCannotBeReadHasNoScoresAndNoTags()
    {
        using var model = _ml.FineTuning.FineTuneImages(Options with { Epochs = 1, ImageStatusColumnName = "Status" })
            .Fit(View(SmallPictures.Take(3)));
        var scored = model.Transform(View([.. SmallPictures.Take(1), new Photo { Label = "dots", ImagePath = "nowhere.png" }]));
        Assert.IsTrue(scored.GetColumn<float[]>("Score").Last().All(float.IsNaN));
        CollectionAssert.AreEqual(new bool[3], scored.GetColumn<bool[]>("PredictedLabel").Last());
        Assert.AreNotEqual("", scored.GetColumn<string>("Status").Last());
        Assert.AreEqual(1, _ml.FineTuning.EvaluateMultiLabel(scored, "Tags").RowsLeftOut);
    }

    [TestMethod]
    public void MixedPicturesTrain()
    {
        var options = Options with { Augmentation = Augmentation.MixUp(), Validation = ValidationData.Fraction(0.25f) };
        using var model = _ml.FineTuning.FineTuneImages(options).Fit(View(SmallPictures.Take(12)));
        var losses = model.Report!.Epochs.Select(epoch => epoch.ValidationLoss!.Value).ToList();
        Assert.IsLessThan(losses[0], losses.Min());
    }

    [TestMethod]
    public void ThePageHasLabelsCurvesAndMistakesWithTheirTags()
    {
        using var folder = new Folder();
        var validation = View(SmallPictures.Take(8, skip: 20));
        var task = LearningTask.MultiLabel(threshold: DecisionThreshold.F1);
        var options = Options with { Task = task, RunFolder = folder.File("run"), Validation = ValidationData.Set(validation), Epochs = 1 };
        using var model = _ml.FineTuning.FineTuneImages(options).Fit(View(SmallPictures.Take(8)));

        var page = File.ReadAllText(folder.File("run/report.html"));
        var metrics = _ml.FineTuning.EvaluateMultiLabel(model.Transform(validation), "Tags");
        foreach (var (label, index) in metrics.LabelNames.Select((name, index) => (name, index)))
        {
            var support = label == "round" ? 16 : 8;
            var row = Regex.Match(page, $"<td><bdi>{label}</bdi></td><td class=\"number\">{support}</td>\\s*"
                + "<td class=\"number\">([0-9.]+)</td><td class=\"number\">([0-9.]+)</td>\\s*<td class=\"number\">([0-9.]+)</td>");
            Assert.IsTrue(row.Success, label);
            Assert.AreEqual(metrics.PerLabelAveragePrecision[index], Number(row.Groups[1].Value), 0.0006, label);
            Assert.AreEqual(metrics.PerLabelF1[index], Number(row.Groups[2].Value), 0.0006, label);
            Assert.AreEqual(model.LabelThresholds[index], Number(row.Groups[3].Value), 0.0006, label);
            StringAssert.Contains(page, $"aria-label=\"{label}\"", "its curve");
        }
        bool[][] predicted = [.. model.Transform(validation).GetColumn<bool[]>("PredictedLabel")];
        var wrong = SmallPictures.Take(8, skip: 20).Zip(predicted).Count(pair =>
            !pair.Second.SequenceEqual(model.Classes.Select(TagsOf(pair.First.Label).Contains)));
        Assert.IsGreaterThan(0, wrong, "one epoch learns little, so there are mistakes to show");
        Assert.AreEqual(2 * wrong, Regex.Count(page, "<img src=\"data:image/jpeg;base64,"), "each with its heat map");
        Assert.IsGreaterThan(0, Regex.Count(page, "(missed|invented) <bdi>(dots|round|rings)</bdi>"));
        StringAssert.Contains(page, "validation mean average precision");
        StringAssert.Contains(File.ReadAllText(folder.File("run/history.csv")), "validation_mean_average_precision,validation_micro_f1");

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public void TheExportedNetworkGivesLogitsSigmoidsAndThresholds()
    {
        using var folder = new Folder();
        var task = LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.25f));
        using var model = _ml.FineTuning.FineTuneImages(Options with { Task = task, Epochs = 2 }).Fit(View(SmallPictures.Take(4)));
        _ml.FineTuning.ExportOnnx(model, folder.File("network.onnx"));

        using var session = new InferenceSession(folder.File("network.onnx"));
        Assert.AreEqual("[0.25,0.25,0.25]", session.ModelMetadata.CustomMetadataMap["thresholds"]);
        var size = SmallTraining.Backbone.Preprocessing.Size;
        var pixels = new byte[2 * size * size * 3];
        new Random(1).NextBytes(pixels);
        var input = new DenseTensor<float>([2, 3, size, size]);
        for (var i = 0; i < pixels.Length; i++)
            input[i / 3 / size / size, i % 3, i / 3 / size % size, i / 3 % size] = pixels[i];
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", input)]);
        float[] logits = [.. results.Single(result => result.Name == "logits").AsEnumerable<float>()];
        float[] probabilities = [.. results.Single(result => result.Name == "probabilities").AsEnumerable<float>()];
        Assert.HasCount(6, probabilities);
        SmallTraining.AssertClose([[.. logits.Select(logit => 1 / (1 + MathF.Exp(-logit)))]], [probabilities]);
        var scores = new float[6];
        model.Scorer.Score(pixels, 2, scores);
        SmallTraining.AssertClose([scores], [probabilities], 1e-4f);
        float[] predicted = [.. results.Single(result => result.Name == "predicted").AsEnumerable<float>()];
        CollectionAssert.AreEqual(probabilities.Select(probability => probability > 0.25f ? 1f : 0f).ToArray(), predicted);
    }

    [TestMethod]
    public void ATaggerIsNoTeacherOfClasses()
    {
        using var tagger = _ml.FineTuning.FineTuneImages(Options with { Epochs = 1 }).Fit(View(SmallPictures.Take(3)));
        Assert.Throws<ArgumentException>(() => Distillation.From(tagger));
        using var teacher = SmallTraining.LoadModel(_ml);
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => _ml.FineTuning.FineTuneImages(
                Options with { Distillation = Distillation.From(teacher) }).Fit(View(SmallPictures.Take(3)))).Message, "Distillation");
    }

    private static string[] TagsOf(string label) => label == "stripes" ? [] : [label, "round"];

    private IDataView View(IEnumerable<Photo> photos)
    {
        var data = _ml.Data.LoadFromEnumerable(
            photos.Select(photo => new TaggedPhoto { ImagePath = photo.ImagePath, Tags = TagsOf(photo.Label) }).ToArray());
        var keys = _ml.Data.LoadFromEnumerable(s_tags.Select(tag => new TagName { Name = tag }));
        return _ml.Transforms.Conversion.MapValueToKey("Tags", keyData: keys).Fit(data).Transform(data);
    }

    private sealed class TaggedPhoto
    {
        public string ImagePath { get; set; } = "";

        public string[] Tags { get; set; } = [];
    }

    private sealed class TagName
    {
        public string Name { get; set; } = "";
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public bool[] PredictedLabel { get; set; } = [];
    }
}
