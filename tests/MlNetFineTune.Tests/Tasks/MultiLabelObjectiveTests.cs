using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class MultiLabelObjectiveTests
{
    public static IEnumerable<object[]> Cases => [[0, "without weights"], [1, "with positive weights"]];

    /// <summary>PyTorch's loss and gradients (tools/reference/tasks_fixture.py), from the numbers that a label source gives.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void LossAndGradientsAreTheReferences(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Read("tasks.json").GetProperty("multiLabel")[index];
        var logits = tensor(Formula.Values("tasks.logits", [5, 4]), [5, 4]).to_type(ScalarType.Float64).mul_(2).requires_grad_();
        var objective = new MultiLabelObjective(4, index == 0 ? null : LossFixture.Floats(expected.GetProperty("positiveWeights")));
        var targets = TargetsOf(objective, LossFixture.Floats(expected.GetProperty("labels")));

        var loss = objective.Loss(logits, targets);
        loss.backward();

        Assert.AreEqual(expected.GetProperty("each").Numbers().Average(), loss.item<double>(), 1e-10, what);
        Fixture.AreClose(expected.GetProperty("gradient").Numbers(), logits.grad!.Values(), 1e-10, $"gradient {what}");
        var (sum, count) = objective.EvaluateLoss(logits, targets);
        Assert.AreEqual(loss.item<double>(), sum / count, 1e-10, "validation judges by the same loss");
        logits.grad = null;
    }

    [TestMethod]
    public void ExampleWeightsMakeAWeightedMean()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 1, -1, 2, 0.5f }, [2, 2]);
        float[] labels = [1, 0, 0, 1];
        var objective = new MultiLabelObjective(2);
        var each = MultiLabelLoss.OfEach(logits, tensor(labels, [2, 2])).Values();
        var loss = objective.Loss(logits, TargetsOf(objective, labels, weights: [3, 1]));
        Assert.AreEqual((3 * each[0] + each[1]) / 4, loss.item<float>(), 1e-6);
    }

    [TestMethod]
    public void MixedRowsHaveSharesOfBothRowsLabels()
    {
        using var scope = NewDisposeScope();
        var objective = new MultiLabelObjective(2);
        var mixed = TargetsOf(objective, [1, 0, 0, 1], mix: new Mix([1, 0], 0.75));
        Fixture.AreClose([0.75, 0.25, 0.25, 0.75], mixed.Labels.Values(), 1e-7, "labels");
    }

    [TestMethod]
    public void MetricsOfAnEpochAreThoseOfTheEvaluatorAtOneHalf()
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        var (rows, labels) = (40, 3);
        float[] logits = [.. Enumerable.Range(0, rows * labels).Select(_ => (float)(random.NextDouble() * 4 - 2))];
        float[] there = [.. logits.Select(logit => random.NextDouble() < 1 / (1 + Math.Exp(-logit)) ? 1f : 0)];

        var sums = new MultiLabelObjective(labels).CreateMetrics();
        foreach (var (first, count) in ((int, int)[])[(0, 25), (25, 15)])
        {
            sums.Add(
                tensor(logits[(first * labels)..((first + count) * labels)], [count, labels]),
                new Targets(tensor(there[(first * labels)..((first + count) * labels)], [count, labels])));
        }
        var found = sums.Result();

        var ml = new Microsoft.ML.MLContext();
        var view = LabelSetRow.View(ml, labels, slots: null, labelSlots: null, Enumerable.Range(0, rows).Select(row => LabelSetRow.Of(
            [.. there.Skip(row * labels).Take(labels).Select(number => number > 0.5f)], [.. logits.Skip(row * labels).Take(labels)],
            [.. logits.Skip(row * labels).Take(labels).Select(logit => logit > 0)])));
        var expected = MultiLabelEvaluator.Evaluate(ml, view, "Labels", "Score", "PredictedLabel");
        Assert.AreEqual(expected.MeanAveragePrecision, found["MeanAveragePrecision"], 1e-12);
        Assert.AreEqual(expected.MicroF1, found["MicroF1"], 1e-12);
        Assert.AreEqual(expected.MacroF1, found["MacroF1"], 1e-12);
        Assert.AreEqual(expected.HammingLoss, found["HammingLoss"], 1e-12);
    }

    [TestMethod]
    public void AnUndefinedMetricIsNeverBetter()
    {
        Assert.IsFalse(Metric.MeanAveragePrecision.IsBetter(double.NaN, 0.1));
        Assert.IsFalse(Metric.MeanAveragePrecision.IsBetter(double.NaN, double.NaN));
        Assert.IsTrue(Metric.MeanAveragePrecision.IsBetter(0.1, double.NaN), "an epoch that was judged replaces one that was not");
        Assert.IsTrue(Metric.HammingLoss.IsBetter(0.1, double.NaN));
        Assert.IsTrue(Metric.HammingLoss.IsBetter(0.1, 0.2));
        Assert.IsFalse(Metric.MicroF1.IsBetter(0.1, 0.2));
    }

    private static Targets TargetsOf(MultiLabelObjective objective, float[] labels, float[]? weights = null, Mix? mix = null)
    {
        var rows = labels.Length / objective.Outputs;
        int[] all = [.. Enumerable.Range(0, rows)];
        var source = new LabeledData(
            inputs: null!, labels, [.. all.Select(row => (long)row)], groups: null, withoutLabel: 0, weights, objective.Outputs);
        return objective.TargetsOf(new RowSubset(source, all), all, mix, CPU);
    }
}
