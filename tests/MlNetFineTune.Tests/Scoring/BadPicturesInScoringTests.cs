using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A picture that cannot be read has missing values; other rows are not affected.</summary>
[TestClass]
public sealed class BadPicturesInScoringTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void BadFilesHaveMissingScoresAndTheirNeighboursTheirOwn()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.LoadModel(_ml);
        var good = SmallPictures.Take(14); // more than a batch with the bad ones between
        var mixed = Mixed(good, out var isBad);

        var scored = model.Transform(SmallPictures.View(_ml, mixed));
        var scores = SmallTraining.Scores(scored);
        var keys = SmallTraining.PredictedKeys(scored);

        var expected = model.Transform(SmallPictures.View(_ml, good));
        SmallTraining.AssertClose(SmallTraining.Scores(expected), [.. scores.Where((_, i) => !isBad[i])]);
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(expected), keys.Where((_, i) => !isBad[i]).ToArray());
        for (var i = 0; i < mixed.Length; i++)
        {
            if (isBad[i])
            {
                Assert.IsTrue(scores[i].Length == 3 && scores[i].All(float.IsNaN), $"{mixed[i].ImagePath}: {string.Join(" ", scores[i])}");
                Assert.AreEqual(0u, keys[i], mixed[i].ImagePath);
            }
        }
        Assert.IsTrue(
            log.Warnings.Any(line => line.StartsWith("6 pictures could not be read", StringComparison.Ordinal)
                && line.Contains("missing.jpg': there is no such file")), log.ToString());
    }

    [TestMethod]
    public void EvaluateLeavesBadRowsOut()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var good = SmallPictures.Take(8, skip: 20);

        var metrics = _ml.MulticlassClassification.Evaluate(
            model.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, Mixed(good, out _)))));
        var expected = _ml.MulticlassClassification.Evaluate(model.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, good))));

        Assert.AreEqual(24, metrics.ConfusionMatrix.Counts.Sum(counts => counts.Sum()));
        Assert.AreEqual(expected.MicroAccuracy, metrics.MicroAccuracy, 1e-9);
        Assert.AreEqual(expected.LogLoss, metrics.LogLoss, 1e-5);
        Assert.AreEqual(expected.F1().Macro, metrics.F1().Macro, 1e-9);
    }

    [TestMethod]
    public void OnlyBadRowsAreScoredToo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, BadPictures.All.Select(bad => new Photo { ImagePath = bad.Path })));

        Assert.IsTrue(SmallTraining.Scores(scored).All(scores => scores.All(float.IsNaN)));
        Assert.IsTrue(SmallTraining.PredictedKeys(scored).All(key => key == 0));
    }

    [TestMethod]
    public void APredictionEngineGivesMissingValuesAndNotThoseOfThePictureBefore()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.LoadModel(_ml);
        var photo = SmallPictures.Take(1)[0];
        using (var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false }))
        {
            var reused = new Prediction();
            foreach (var (path, _) in BadPictures.All)
            {
                engine.Predict(photo, ref reused);
                Assert.IsTrue(reused.Score.All(float.IsFinite) && reused.PredictedLabel > 0);
                engine.Predict(new Photo { ImagePath = path }, ref reused);
                Assert.IsTrue(reused.Score.All(float.IsNaN), $"{path}: {string.Join(" ", reused.Score)}");
                Assert.AreEqual(0u, reused.PredictedLabel);
            }
        }

        CollectionAssert.AreEqual(
            BadPictures.All.Select(bad => $"'{bad.Path}'").ToArray(),
            log.Warnings.Where(line => line.StartsWith("1 picture could not be read", StringComparison.Ordinal))
                .Select(line => line.Split("The first: ")[1].Split(':')[0]).ToArray());
    }

    [TestMethod]
    public void ANullImageHasMissingScores()
    {
        using var trained = SmallTraining.LoadModel(_ml);
        var images = SmallPictures.Take(2).Select(photo => MLImage.CreateFromFile(photo.ImagePath)).ToArray();
        var rows = images.Select((image, i) => new ImageRow { Label = SmallPictures.Classes[i % 3], Image = image }).ToList();
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { Epochs = 1, ImageColumnName = "Image" }).Fit(view);
        var expected = SmallTraining.Scores(model.Transform(view));

        rows.Insert(0, new ImageRow());
        rows.Insert(3, new ImageRow());
        rows.Add(new ImageRow());
        var scores = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(rows)));

        SmallTraining.AssertClose(expected, [.. scores.Where((_, i) => rows[i].Image is not null)]);
        Assert.IsTrue(scores.Where((_, i) => rows[i].Image is null).All(row => row.All(float.IsNaN)));
        foreach (var image in images)
            image.Dispose();
    }

    private static Photo[] Mixed(Photo[] good, out bool[] isBad)
    {
        var all = good.Select(photo => (Photo: photo, Bad: false)).ToList();
        foreach (var (n, (path, _)) in BadPictures.All.Index())
            all.Insert(n * 5, (new Photo { Label = SmallPictures.Classes[n % 3], ImagePath = path }, true));
        isBad = [.. all.Select(row => row.Bad)];
        return [.. all.Select(row => row.Photo)];
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }
}
