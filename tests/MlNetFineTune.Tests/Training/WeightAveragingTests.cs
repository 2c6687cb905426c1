using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Averages against PyTorch's (tools/reference/averaging_fixture.py), and that the model has them.</summary>
[TestClass]
public sealed class WeightAveragingTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("averaging.json");
    private static readonly Photo[] s_photos = SmallPictures.Take(8);

    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with { BatchSize = 6, Epochs = 3 };

    [TestMethod]
    public void TheMovingAverageIsPyTorchs()
    {
        foreach (var expected in s_fixture.GetProperty("moving").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var tensors = States();
            var counter = tensor(5L);
            using var average = new MovingAverage([.. tensors, ("counter", counter)], (float)expected.Number("decay"));
            for (var t = 1; t <= 12; t++)
            {
                Fill(tensors, t);
                average.Update();
            }
            foreach (var (name, averaged) in average.Tensors.SkipLast(1))
                Fixture.AreClose(expected.GetProperty("tensors").GetProperty(name).Numbers(), averaged.Values(), 1e-7, name);
            counter.fill_(7);
            average.Update();
            counter.fill_(9);
            Assert.AreEqual(7L, average.Tensors.Last().Tensor.item<long>(), "whole numbers are copied");
        }
    }

    [TestMethod]
    public void TheUniformAverageIsPyTorchsAndTheBestComeFirst()
    {
        using var scope = NewDisposeScope();
        var tensors = States();
        using var best = new BestEpochs(tensors, count: 3, Metric.Loss);
        var states = new[] { (0, 0.5), (7, 0.9), (1, 0.4), (9, 0.7), (2, 0.5) };
        foreach (var (index, (state, loss)) in states.Index())
        {
            Fill(tensors, state);
            Assert.AreEqual(index is 0 or 2, best.Offer(index + 1, new Evaluation(loss, new Dictionary<string, double>())),
                $"epoch {index + 1}");
        }

        CollectionAssert.AreEqual(new[] { 3, 1, 5 }, best.Kept.Select(kept => kept.Epoch).ToArray());
        best.RestoreAverage([1.0 / 3, 1.0 / 3, 1.0 / 3]);
        foreach (var (name, average) in tensors)
            Fixture.AreClose(s_fixture.GetProperty("uniform").GetProperty(name).Numbers(), average.Values(), 1e-7, name);
        best.RestoreBest();
        using var first = tensor(Formula.Values("t1.layer.bias", [3]));
        CollectionAssert.AreEqual(first.Values(), tensors.Single(named => named.Name == "layer.bias").Tensor.Values());
    }

    [TestMethod]
    public void TheModelHasTheAverageRunningStatisticsIncluded()
    {
        // The naive twin: every tensor after every step, averaged in doubles.
        Dictionary<string, double[]>? twin = null;
        var t = 0;
        var options = s_options with { WeightAveraging = WeightAveraging.Exponential(0.5f) };
        var (report, tensors) = DirectTraining.Run(options, DirectTraining.Full(options), s_photos, network =>
        {
            twin = DirectTraining.Tensors(network);
            return new Watcher(progress =>
            {
                if (progress.Activity != TrainingActivity.Training)
                    return;
                var decay = Math.Min(0.5, (1.0 + t) / (10 + t));
                t++;
                foreach (var (name, live) in DirectTraining.Tensors(network))
                    twin[name] = [.. twin[name].Zip(live, (average, now) => decay * average + (1 - decay) * now)];
            });
        });

        Assert.AreEqual(12, t);
        foreach (var (name, values) in twin!)
            Fixture.AreClose(values, tensors[name], 1e-6, name);
        var (_, plain) = DirectTraining.Run(s_options, DirectTraining.Full(options), s_photos);
        Assert.IsGreaterThan(1e-4, plain["bn1.running_var"].Zip(tensors["bn1.running_var"], (a, b) => Math.Abs(a - b)).Max(),
            "the average is another");
    }

    [TestMethod]
    public void ValidationJudgesTheAverageAndTrainingGoesOnWithTheWeights()
    {
        var options = s_options with { WeightAveraging = WeightAveraging.Exponential(0.9f) };
        var (
            judged, _) = DirectTraining.Run(options with { Validation = ValidationData.Fraction(0.25f) }, DirectTraining.Full(options),
            s_photos);
        var (
            plain, _) = DirectTraining.Run(s_options with { Validation = ValidationData.Fraction(0.25f) }, DirectTraining.Full(options),
            s_photos);

        CollectionAssert.AreEqual(plain.Epochs.Select(epoch => epoch.Loss).ToArray(), judged.Epochs.Select(epoch => epoch.Loss).ToArray());
        CollectionAssert.AreNotEqual(plain.Epochs.Select(epoch => epoch.ValidationLoss).ToArray(),
            judged.Epochs.Select(epoch => epoch.ValidationLoss).ToArray());

        // The reported metrics are those of the model.
        var ml = new MLContext();
        using var model = SmallTraining.Fit(ml, options with
        {
            Validation = ValidationData.Set(
            SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(6, skip: 20))))
        }, s_photos);
        var metrics = ml.MulticlassClassification.Evaluate(
            model.Transform(SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(6, skip: 20)))));
        Assert.AreEqual(model.Report!.Epochs[model.Report.BestEpoch - 1].ValidationLoss!.Value, metrics.LogLoss, 1e-5);
    }

    [TestMethod]
    public void TheAverageOfTheBestIsTakenIfItIsBetterAndSaidSo()
    {
        // The label has noise: steps of one size jump around the minimum, and their mean is nearer to it;
        // on the way down the last epoch is the best.
        foreach (var (learningRate, epochs, taken) in new[] { (0.05f, 20, true), (0.003f, 4, false) })
        {
            var ml = new MLContext();
            var log = new LogLines(ml);
            var judges = SmallModules.View(ml, TableRow.Many(200, seed: 2));
            var options = SmallModules.Regression with
            {
                Task = LearningTask.Regression(standardize: false),
                LearningRate = learningRate,
                Epochs = epochs,
                BatchSize = 2,
                Optimizer = Optimizer.Sgd(momentum: 0, nesterov: false),
                Schedule = LearningRateSchedule.Constant(),
                Validation = ValidationData.Set(judges),
                WeightAveraging = WeightAveraging.BestCheckpoints(3),
            };
            using var model = ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(ml, TableRow.Many(60)));

            var report = model.Report!;
            var best = report.Epochs.MinBy(epoch => epoch.ValidationLoss)!;
            var loss = ml.Regression.Evaluate(model.Transform(judges), "Number").MeanSquaredError;
            Assert.AreEqual(best.Epoch, report.BestEpoch);
            Assert.AreEqual(taken, report.Averaged is not null, $"{string.Join(" ", report.Epochs.Select(epoch => epoch.ValidationLoss))}");
            Assert.AreEqual(report.Averaged?.ValidationLoss ?? best.ValidationLoss!.Value, loss, 1e-5);
            var epochsOf = report.Epochs.OrderBy(epoch => epoch.ValidationLoss).Take(3).Select(epoch => epoch.Epoch).Order().ToArray();
            Assert.IsTrue(
                log.All.Any(
                    line => line.StartsWith($"The average of epochs {string.Join(", ", epochsOf)} has the validation loss",
                    StringComparison.Ordinal)), log.ToString());
            if (report.Averaged is not { } averaged)
                continue;
            Assert.IsLessThan(best.ValidationLoss!.Value, averaged.ValidationLoss);
            CollectionAssert.AreEqual(epochsOf, averaged.Epochs.ToArray());
            var manifest = JsonDocument.Parse(Zip.Entry(SmallTraining.Save(ml, model), "manifest.json")).RootElement;
            Assert.AreEqual(averaged.ValidationLoss, manifest.GetProperty("Training").GetProperty("ValidationLoss").GetDouble());
        }
    }

    [TestMethod]
    public void AnAverageWithSharesIsOnTheLineBetweenTheTwoEpochs()
    {
        using var scope = NewDisposeScope();
        var tensors = States();
        using var best = new BestEpochs(tensors, count: 1, Metric.Loss, split: 2);
        foreach (var (index, (state, loss)) in new[] { (0, 0.5), (7, 0.4), (1, 0.45), (9, 0.7), (2, 0.42) }.Index())
        {
            Fill(tensors, state);
            best.Offer(index + 1, new Evaluation(loss, new Dictionary<string, double>()));
        }
        var (probe, full) = (ValuesOf(7), ValuesOf(2));

        CollectionAssert.AreEqual(new[] { 2, 5 }, best.Kept.Select(kept => kept.Epoch).ToArray(), "the best before and after the split");
        best.RestoreAverage([0.7, 0.3]);

        foreach (var (name, tensor) in tensors)
        {
            Fixture.AreClose(
                [.. probe[name].Zip(full[name], (a, b) => (0.7 * a) + (0.3 * b))], tensor.Values(), 1e-7, name);
        }

        Dictionary<string, double[]> ValuesOf(int state)
        {
            Fill(tensors, state);
            return tensors.ToDictionary(named => named.Name, named => named.Tensor.Values());
        }
    }

    [TestMethod]
    [DataRow(0.01f)]
    [DataRow(0.0005f)]
    public void WiseFtTakesTheBestWeightsOnTheLineAndIsNeverWorseThanItsEnds(float learningRate)
    {
        var ml = new MLContext();
        var log = new LogLines(ml);
        var validation = SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(10, skip: 20)));
        var options = s_options with
        {
            Epochs = 6,
            LearningRate = learningRate,
            Strategy = Strategy.ProbeThenFull(0.5f),
            Validation = ValidationData.Set(validation),
            WeightAveraging = WeightAveraging.WiseFt(steps: 4),
            RunFolder = SmallPictures.NewFolder(),
        };

        using var model = SmallTraining.Fit(ml, options, s_photos);

        var report = model.Report!;
        var (probe, full) = (Best(report.Epochs.Take(3)), Best(report.Epochs.Skip(3)));
        var lines = log.All.Where(line => line.StartsWith("The average of epochs", StringComparison.Ordinal)).ToList();
        Assert.HasCount(3, lines);
        foreach (var (line, share) in lines.Zip(["0.75, 0.25", "0.5, 0.5", "0.25, 0.75"]))
        {
            Assert.StartsWith($"The average of epochs {probe.Epoch}, {full.Epoch}"
                + (share == "0.5, 0.5" ? " has" : $" with shares {share} has"), line);
        }
        double[] losses = [.. lines.Select(line =>
            double.Parse(Regex.Match(line, @"validation loss ([\d.]+)").Groups[1].Value, CultureInfo.InvariantCulture))];
        var ofEnds = Math.Min(probe.ValidationLoss!.Value, full.ValidationLoss!.Value);
        var loss = report.Averaged?.ValidationLoss ?? report.Epochs[report.BestEpoch - 1].ValidationLoss!.Value;
        Assert.AreEqual(Math.Min(losses.Min(), ofEnds), loss, 1e-3, "the best of all");
        Assert.IsLessThanOrEqualTo(ofEnds, loss);
        Assert.AreEqual(loss, ml.MulticlassClassification.Evaluate(model.Transform(validation)).LogLoss, 1e-5);
        var page = File.ReadAllText(Path.Combine(options.RunFolder, "report.html"));
        Assert.AreEqual(report.Averaged is not null, page.Contains("the model is the average of the weights of epochs"));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"<dt>validation loss</dt><dd>{loss:0.0000}</dd>"), page);
        if (report.Averaged is not { } averaged)
            return;
        CollectionAssert.AreEqual(new[] { probe.Epoch, full.Epoch }, averaged.Epochs.ToArray());
        Assert.AreEqual(new[] { 0.25, 0.5, 0.75 }[losses.Index().MinBy(one => one.Item).Index], averaged.Shares[1]);

        static TrainingReport.EpochReport Best(IEnumerable<TrainingReport.EpochReport> epochs) =>
            epochs.MinBy(epoch => epoch.ValidationLoss)!;
    }

    [TestMethod]
    public void AStopAtTheEndLeavesTheAveragesOut()
    {
        var ml = new MLContext();
        var log = new LogLines(ml);
        using var stop = new CancellationTokenSource();
        var options = s_options with
        {
            Epochs = 2,
            Strategy = Strategy.ProbeThenFull(0.5f),
            Validation = ValidationData.Fraction(0.25f),
            WeightAveraging = WeightAveraging.WiseFt(),
            StopToken = stop.Token,
            Progress = new Watcher(progress =>
            {
                if (progress is { Activity: TrainingActivity.EpochCompleted, Epoch: 2 })
                    stop.Cancel();
            }),
        };

        using var model = SmallTraining.Fit(ml, options, s_photos);

        Assert.AreEqual(TrainingReport.EndReason.Completed, model.Report!.End);
        Assert.IsNull(model.Report.Averaged);
        Assert.IsFalse(log.All.Any(line => line.StartsWith("The average of epochs", StringComparison.Ordinal)), log.ToString());
    }

    [TestMethod]
    public void WiseFtNeedsTwoPhasesAndValidation()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightAveraging.WiseFt(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightAveraging.WiseFt(101));
        Assert.Contains("needs validation", Assert.Throws<ArgumentException>(() => SmallTraining.Fit(
            new MLContext(), s_options with { WeightAveraging = WeightAveraging.WiseFt() }, s_photos)).Message);
        Assert.Contains("needs a strategy of two phases", Assert.Throws<ArgumentException>(() => SmallTraining.Fit(
            new MLContext(), s_options with
            {
                WeightAveraging = WeightAveraging.WiseFt(),
                Validation = ValidationData.Fraction(0.25f),
            }, s_photos)).Message);
    }

    [TestMethod]
    public void ValuesOutOfRangeAndContradictionsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightAveraging.Exponential(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightAveraging.Exponential(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightAveraging.BestCheckpoints(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SmallTraining.Options with { AccumulationSteps = 0 });
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(
                () => new MLContext().MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { WeightAveraging = WeightAveraging.BestCheckpoints() })).Message, "needs validation");
    }

    private static (string Name, Tensor Tensor)[] States()
    {
        var tensors = s_fixture.GetProperty("shapes").EnumerateObject()
            .Select(shape => (shape.Name, zeros(shape.Value.EnumerateArray().Select(size => size.GetInt64()).ToArray(), float64)))
            .ToArray();
        Fill(tensors, 0);
        return tensors;
    }

    private static void Fill((string Name, Tensor Tensor)[] tensors, int state)
    {
        foreach (var (name, values) in tensors)
            Formula.Fill($"t{state}.{name}", values);
    }
}
