using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>The column with the reason why a picture has no scores.</summary>
[TestClass]
public sealed class ImageStatusTests
{
    private static readonly string[] s_reasons = [.. BadPictures.All.Select(bad => bad.Reason)];
    private readonly MLContext _ml = new();

    [TestMethod]
    public void ItSaysWhyInTransformAndInAPredictionEngineAlsoAfterSaving()
    {
        using var trained = Train();
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, trained)), out _);
        var photos = SmallPictures.Take(7)
            .SelectMany((photo, i) => i < BadPictures.All.Count
                ? [photo, new Photo { Label = photo.Label, ImagePath = BadPictures.All[i].Path }]
                : (Photo[])[photo]).ToArray();
        foreach (var model in (FineTuningTransformer[])[trained, loaded])
        {
            var scored = model.Transform(SmallPictures.View(_ml, photos));
            CollectionAssert.AreEqual(new[] { "Label", "ImagePath", "Score", "PredictedLabel", "Status" },
                scored.Schema.Select(column => column.Name).ToArray());
            Assert.AreEqual(TextDataViewType.Instance, scored.Schema["Status"].Type);
            var statuses = scored.GetColumn<string>("Status").ToArray(); // the only active column
            AssertStatuses(photos, statuses, SmallTraining.Scores(scored));

            using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
                model, new PredictionEngineOptions { OwnsTransformer = false });
            var reused = new Prediction();
            var predictions = photos.Select(photo =>
            {
                engine.Predict(photo, ref reused);
                return (reused.Status, Score: reused.Score.ToArray());
            }).ToArray();
            AssertStatuses(photos, [.. predictions.Select(p => p.Status)], [.. predictions.Select(p => p.Score)]);
        }
    }

    [TestMethod]
    public void WithoutANameThereIsNoSuchColumn()
    {
        using var model = SmallTraining.LoadModel(_ml);

        Assert.HasCount(4, model.GetOutputSchema(SmallPictures.View(_ml, SmallPictures.Take(1)).Schema));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("Score")]
    [DataRow("PredictedLabel")]
    public void ANameThatIsTakenIsRefused(string name)
    {
        var error = Assert.Throws<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { ImageStatusColumnName = name }));

        StringAssert.Contains(error.Message, "ImageStatusColumnName");
    }

    [TestMethod]
    [DynamicData(nameof(PictureSources.Names), typeof(PictureSources))]
    public void EverySourceHasReasonsAndItsNeighboursTheirScores(string column)
    {
        var rows = PictureSources.Rows(perClass: 3).ToList();
        var options = PictureSources.Options(column) with { ImageStatusColumnName = "Status", Epochs = 1 };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options)
            .Fit(SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows)));
        var expected = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(rows)));
        var bad = new EveryForm
        {
            ImagePath = "missing.jpg",
            File = null,
            Image = null,
            Planar = [.. Enumerable.Repeat(256f, 48 * 48 * 3)],
            ZeroToOne = [.. Enumerable.Repeat(float.NaN, 48 * 48 * 3)],
            Interleaved = rows[0].Interleaved,
            PlanarBgr = rows[0].PlanarBgr,
        };
        var reason = column switch
        {
            nameof(EveryForm.ImagePath) => "there is no such file",
            nameof(EveryForm.File) => "the picture has no bytes",
            nameof(EveryForm.Image) => "the image is missing",
            nameof(EveryForm.Planar) => "value 0 is 256",
            nameof(EveryForm.ZeroToOne) => "value 0 is NaN",
            _ => "", // any bytes are pixels
        };
        foreach (var at in (int[])[rows.Count, 4, 0])
            rows.Insert(at, bad);

        var scored = model.Transform(_ml.Data.LoadFromEnumerable(rows));

        var (scores, statuses) = (SmallTraining.Scores(scored), scored.GetColumn<string>("Status").ToArray());
        SmallTraining.AssertClose(expected, [.. scores.Where((_, i) => rows[i] != bad)]);
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i] != bad || reason == "")
                Assert.AreEqual("", statuses[i]);
            else
                StringAssert.StartsWith(statuses[i], reason);
            Assert.AreEqual(statuses[i] != "", scores[i].All(float.IsNaN), $"row {i}");
        }
    }

    private static void AssertStatuses(Photo[] photos, string[] statuses, IReadOnlyList<float[]> scores)
    {
        Assert.HasCount(photos.Length, statuses);
        for (var i = 0; i < photos.Length; i++)
        {
            if (BadPictures.All.Index().FirstOrDefault(bad => bad.Item.Path == photos[i].ImagePath) is { Item.Reason: { } reason })
                StringAssert.Contains(statuses[i], reason);
            else
                Assert.AreEqual("", statuses[i]);
            Assert.AreEqual(statuses[i] != "", scores[i].All(float.IsNaN));
        }
        Assert.AreEqual(s_reasons.Length, statuses.Count(status => status != ""));
    }

    private FineTuningTransformer Train() =>
        SmallTraining.Fit(_ml, SmallTraining.Options with { ImageStatusColumnName = "Status" }, SmallPictures.Take(3));

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public string Status { get; set; } = "";
    }
}
