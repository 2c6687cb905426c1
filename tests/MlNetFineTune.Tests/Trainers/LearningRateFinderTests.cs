using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Trainers;
using SkiaSharp;

namespace MlNetFineTune.Tests.Trainers;

[TestClass]
public sealed class LearningRateFinderTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void SmoothingEndAndSuggestionAreTheReferences()
    {
        foreach (var expected in Fixture.Read("watching.json").GetProperty("sweeps").EnumerateArray())
        {
            var (steps, lowest, highest) = ((int)expected.Number("steps"), expected.Number("lowest"), expected.Number("highest"));
            var schedule = new SweepSchedule(lowest / highest, steps);
            using var end = new CancellationTokenSource();
            var sweep = new RateSweep(steps, end);
            var losses = expected.GetProperty("losses").Numbers();
            var step = 0;
            for (; !end.IsCancellationRequested; step++)
                sweep.AfterStep(step + 1, 8, step < losses.Length ? losses[step] : 1, highest * schedule.FactorAt(step, 1000));

            Assert.AreEqual(losses.Length + 1, step, "a step is complete when the next begins");
            Fixture.AreClose(expected.GetProperty("smoothed").Numbers(), [.. sweep.Points.Select(point => point.SmoothedLoss)], 1e-10,
                "smoothed");
            Assert.AreEqual(expected.Number("suggestion"), LearningRateSearch.Of(sweep.Points, steps).Suggestion,
                1e-6 * expected.Number("suggestion"));
        }
    }

    [TestMethod]
    public void ALossThatIsNoNumberEndsTheSweepAndIsNotInIt()
    {
        using var end = new CancellationTokenSource();
        var sweep = new RateSweep(50, end);
        sweep.AfterStep(1, 8, 1, 1e-3);
        sweep.AfterStep(2, 8, double.NaN, 2e-3);

        Assert.IsTrue(sweep.IsOver && end.IsCancellationRequested);
        Assert.HasCount(1, sweep.Points);
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => LearningRateSearch.Of(sweep.Points, 50)).Message,
            "after 1 of 50 steps");
    }

    [TestMethod]
    public void BatchesOfOneStepAreOnePoint()
    {
        using var end = new CancellationTokenSource();
        var sweep = new RateSweep(50, end);
        sweep.AfterStep(1, 8, 1, 1e-3);
        sweep.AfterStep(2, 4, 4, 1e-3);
        sweep.AfterStep(3, 8, 3, 2e-3);
        sweep.AfterStep(4, 8, 3, 1e-3); // another part of the strategy

        Assert.IsTrue(end.IsCancellationRequested);
        CollectionAssert.AreEqual(new[] { (1e-3, 2.0), (2e-3, 3.0) },
            sweep.Points.Select(point => (point.LearningRate, point.Loss)).ToArray());
    }

    [TestMethod]
    public void TheSweepOfATrainingRisesFromEndToEndAndLeavesNothing()
    {
        var progress = new Never();
        var options = SmallTraining.Options with
        {
            Progress = progress,
            Validation = Validation.Fraction(0.25f),
            EarlyStoppingPatience = 1,
            Epochs = 1
        };
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8)));

        var search = _ml.FineTuning.FindLearningRate(data, options, lowest: 1e-5f, highest: 0.1f, steps: 30);

        Assert.HasCount(30, search.Points);
        Assert.AreEqual(1e-5, search.Points[0].LearningRate, 1e-9);
        Assert.AreEqual(0.1, search.Points[^1].LearningRate, 1e-9);
        for (var i = 1; i < 30; i++)
            Assert.AreEqual(Math.Pow(1e4, 1 / 29.0), search.Points[i].LearningRate / search.Points[i - 1].LearningRate, 1e-6);
        Assert.IsTrue(search.Points.Any(point => (float)point.LearningRate == search.Suggestion));
        Assert.IsLessThan(0.7 * search.Points[0].Loss, search.Points.Min(point => point.Loss), "somewhere on the way it learns");
        var again = _ml.FineTuning.FindLearningRate(data, options, lowest: 1e-5f, highest: 0.1f, steps: 30);
        CollectionAssert.AreEqual(search.Points.ToArray(), again.Points.ToArray(), "the same seed gives the same sweep");
    }

    [TestMethod]
    public void ASweepThatExplodesEndsEarlyAndModulesHaveOneToo()
    {
        var search = _ml.FineTuning.FindLearningRate(
            SmallModules.View(_ml, TableRow.Many(60)), SmallModules.Regression with { Optimizer = Optimizer.Sgd() }, highest: 100);

        Assert.IsLessThan(100, search.Points.Count);
        Assert.IsGreaterThan(search.Points.Min(point => point.SmoothedLoss), search.Points[^1].SmoothedLoss);
        Assert.IsTrue(search.Suggestion is > 1e-5f and < 1, $"{search.Suggestion}");
    }

    [TestMethod]
    public void ThePictureIsAPngWithTheCurveInIt()
    {
        using var folder = new Folder();
        var points = Enumerable.Range(0, 50)
            .Select(i => new LearningRatePoint(Math.Pow(10, -5 + i * 0.1), 2 - i * 0.03, 2 - i * 0.03)).ToList();

        new LearningRateSearch(points, 1e-3f).SavePicture(folder.File("rate.png"));

        using var picture = SKBitmap.Decode(folder.File("rate.png"));
        Assert.AreEqual((880, 440), (picture.Width, picture.Height));
        var colors = picture.Pixels.CountBy(color => color).ToDictionary();
        Assert.IsGreaterThan(500, colors[new SKColor(0x2f, 0x6b, 0xd0)], "the curve");
        Assert.IsGreaterThan(200, colors[new SKColor(0xc2, 0x62, 0x0a)], "the suggestion");
        Assert.IsGreaterThan(
            1000, colors.Where(color => color.Key == new SKColor(0x63, 0x6a, 0x73) || color.Key == new SKColor(0x1d, 0x20, 0x24))
            .Sum(color => color.Value), "text");
    }

    [TestMethod]
    public void WrongRangesAndCancellationAreSaid()
    {
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4)));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options, lowest: 1, highest: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options, steps: 19));
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindLearningRate(
                data, SmallTraining.Options with { CancellationToken = new CancellationToken(canceled: true) }));
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options with { StopToken = new CancellationToken(canceled: true) }));
        var fault = Assert.Throws<FileNotFoundException>(
            () => _ml.FineTuning.FindLearningRate(
                data, SmallTraining.Options with { Backbone = Backbone.Micro.WithWeights("nowhere.safetensors") }));
        StringAssert.Contains(fault.Message, "nowhere.safetensors");
    }

    private sealed class Never : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Assert.Fail("the user's progress is not told of a trial");
    }
}
