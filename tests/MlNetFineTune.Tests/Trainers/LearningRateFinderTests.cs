using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
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
            double[] smoothed = [.. sweep.Points.Select(point => point.SmoothedLoss)];
            Fixture.AreClose(expected.GetProperty("smoothed").Numbers(), smoothed, 1e-10, "smoothed");
            var suggestion = expected.Number("suggestion");
            Assert.AreEqual(suggestion, LearningRateSearch.Of(sweep.Points, steps).Suggestion, 1e-6 * suggestion);
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
        var error = Assert.Throws<InvalidOperationException>(() => LearningRateSearch.Of(sweep.Points, 50));
        StringAssert.Contains(error.Message, "after 1 of 50 steps");
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
        CollectionAssert.AreEqual(
            new[] { (1e-3, 2.0), (2e-3, 3.0) }, sweep.Points.Select(point => (point.LearningRate, point.Loss)).ToArray());
    }

    [TestMethod]
    public void TheSweepOfATrainingRisesFromEndToEndAndLeavesNothing()
    {
        var progress = new Never();
        var options = SmallTraining.Options with
        {
            Progress = progress,
            Validation = ValidationData.Fraction(0.25f),
            EarlyStoppingPatience = 1,
            Epochs = 1,
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
    public void TheChartIsAnSvgWithTheCurveInIt()
    {
        using var folder = new Folder();
        var points = Enumerable.Range(0, 50)
            .Select(i => (Math.Pow(10, -5 + i * 0.1), Loss: 2 - i * 0.03, SmoothedLoss: 2 - i * 0.03)).ToList();

        new LearningRateSearch(points, 1e-3f).SaveChart(folder.File("rate.svg"));

        Assert.HasCount(1, Directory.GetFiles(folder.File(".")), "nothing is left beside it");
        var chart = XDocument.Load(folder.File("rate.svg")).Root!;
        var curve = Elements(chart, "path").Single(path => path.Attribute("class")!.Value == "first").Attribute("d")!.Value;
        var places = Regex.Matches(curve, "([ML])([0-9.]+) ([0-9.]+)");
        Assert.HasCount(50, places);
        Assert.AreEqual("M" + new string('L', 49), string.Concat(places.Select(place => place.Groups[1].Value)), "one line");
        var (xs, ys) = (places.Select(place => Number(place.Groups[2])).ToList(), places.Select(place => Number(place.Groups[3])).ToList());
        for (var i = 1; i < 50; i++)
        {
            Assert.AreEqual((xs[49] - xs[0]) / 49, xs[i] - xs[i - 1], 0.11, "equal factors are equal steps");
            Assert.IsGreaterThan(ys[i - 1], ys[i], "the loss falls, and y grows downward");
        }
        // 1e-3 is the twenty-first of the rates.
        var mark = Elements(chart, "line").Single(line => line.Attribute("class")!.Value == "mark");
        Assert.AreEqual(xs[20], Number(mark.Attribute("x1")!.Value), 0.11);
        var texts = Elements(chart, "text").Select(text => text.Value).ToList();
        CollectionAssert.IsSubsetOf(
            new[] { "Learning rate finder", "learning rate", "suggestion 0.001", "loss of each stepsmoothed", "1e-5", "0.1" }, texts);
        Assert.IsFalse(chart.Descendants().Attributes().Any(attribute => attribute.Value.Contains("//")), "it loads nothing");
    }

    [TestMethod]
    public void WhatRisesBeyondTheAxisIsCutOff()
    {
        using var folder = new Folder();
        double[] losses = [2, 1.8, 1.5, 1.2, 1, 1.4, 40];
        var points = losses.Select((loss, i) => (Math.Pow(10, i - 6), loss, loss)).ToList();

        new LearningRateSearch(points, 1e-3f).SaveChart(folder.File("rate.svg"));

        var chart = XDocument.Load(folder.File("rate.svg")).Root!;
        var top = Number(Elements(chart, "clipPath").Single().Elements().Single().Attribute("y")!.Value);
        var curve = Elements(chart, "path").Single(path => path.Attribute("class")!.Value == "first");
        Assert.AreEqual("plot", curve.Parent!.Attribute("class")!.Value);
        StringAssert.Contains(Elements(chart, "style").Single().Value, "svg .plot{clip-path:url(#plot)}");
        Assert.IsLessThan(top, Regex.Matches(curve.Attribute("d")!.Value, " (-?[0-9.]+)").Select(y => Number(y.Groups[1])).Min());
    }

    [TestMethod]
    [DataRow("rate.png")]
    [DataRow("rate")]
    [DataRow("svg")]
    public void AChartWithAnotherExtensionIsAnErrorThatNamesTheRightOne(string name)
    {
        using var folder = new Folder();
        var search = new LearningRateSearch([(1e-3, 1, 1), (1e-2, 1, 1)], 1e-3f);

        var error = Assert.ThrowsExactly<ArgumentException>(() => search.SaveChart(folder.File(name)));

        Assert.AreEqual("path", error.ParamName);
        StringAssert.Contains(error.Message, $"Name it '{folder.File(Path.GetFileNameWithoutExtension(name) + ".svg")}'");
        Assert.IsEmpty(Directory.GetFiles(folder.File(".")));
        search.SaveChart(folder.File("RATE.SVG"));
        Assert.Throws<DirectoryNotFoundException>(() => search.SaveChart(folder.File("none/rate.svg")));
        Assert.Throws<ArgumentException>(() => search.SaveChart(" "));
    }

    private static IEnumerable<XElement> Elements(XElement chart, string name) =>
        chart.Descendants(XName.Get(name, "http://www.w3.org/2000/svg"));

    private static double Number(Group found) => Number(found.Value);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [TestMethod]
    public void WrongRangesAndCancellationAreSaid()
    {
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4)));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options, lowest: 1, highest: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options, steps: 19));
        var canceled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options with { CancellationToken = canceled }));
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindLearningRate(data, SmallTraining.Options with { StopToken = canceled }));
        var fault = Assert.Throws<FileNotFoundException>(() => _ml.FineTuning.FindLearningRate(
            data, SmallTraining.Options with { Backbone = Backbone.Micro.WithWeights("nowhere.safetensors") }));
        StringAssert.Contains(fault.Message, "nowhere.safetensors");
    }

    private sealed class Never : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Assert.Fail("the user's progress is not told of a trial");
    }
}
