using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The loss of several heads with labels missing here and there, against PyTorch (tools/reference/several_fixture.py).</summary>
[TestClass]
public sealed class SeveralLossTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("several.json");

    private static readonly SeveralObjective s_objective = new(
    [
        new("Class", new MulticlassObjective(3, classWeights: [.. s_fixture.GetProperty("classWeights").Numbers().Select(w => (float)w)]),
            1, 1),
        new("Number", new RegressionObjective(RegressionLoss.SquaredError), 2, 1),
        new("Answer", new BinaryObjective(), 0.5f, 1),
    ]);

    [TestMethod]
    public void LossAndGradientAreThoseOfPyTorch()
    {
        using var scope = NewDisposeScope();
        var outputs = Outputs().requires_grad_();

        var loss = s_objective.Loss(outputs, TargetsOf([0, 1, 2, 3, 4, 5]));
        loss.backward();

        Fixture.AreClose(s_fixture.GetProperty("loss").Numbers(), loss.Values(), 1e-6, "loss");
        Fixture.AreClose(s_fixture.GetProperty("gradient").Numbers(), outputs.grad!.Values(), 1e-6, "gradient");
    }

    [TestMethod]
    public void AnEvaluationInBatchesDividesEachHeadByItsOwnCount()
    {
        foreach (var batches in (int[][][])[[[0, 1, 2, 3, 4, 5]], [[0, 1], [2], [3, 4, 5]], [[5], [4], [3], [2], [1], [0]]])
        {
            using var scope = NewDisposeScope();
            var (sums, metrics) = (s_objective.CreateLossSums(), s_objective.CreateMetrics());
            foreach (var rows in batches)
            {
                var targets = TargetsOf(rows);
                var outputs = Outputs().index_select(0, tensor([.. rows.Select(row => (long)row)], ScalarType.Int64));
                sums.Add(outputs, targets);
                metrics.Add(outputs, targets);
            }
            Fixture.AreClose(s_fixture.GetProperty("loss").Numbers(), [sums.Mean], 1e-6, "loss");
            string[] expected =
            [
                .. MulticlassSums.All.Select(metric => $"Class.{metric}"), .. RegressionMetrics.All.Select(metric => $"Number.{metric}"),
                .. BinaryMetrics.All.Select(metric => $"Answer.{metric}"),
            ];
            CollectionAssert.AreEquivalent(expected, metrics.Result().Keys.ToArray());
        }
    }

    /// <summary>Heads have other numbers of labelled rows in each batch; classes and rows have weights.</summary>
    [TestMethod]
    public void BatchesThatMakeAStepTogetherHaveTheLossAndGradientOfPyTorchsOneBatch()
    {
        foreach (var batches in (int[][][])[[[0, 1, 2], [3, 4, 5]], [[0, 1], [2], [3, 4, 5]], [[5], [4], [3], [2], [1], [0]]])
        {
            var (loss, gradient) = StepOf(batches, s_objective.CountsOf(Rows, [0, 1, 2, 3, 4, 5]));
            Fixture.AreClose(s_fixture.GetProperty("loss").Numbers(), [loss], 1e-6, "loss");
            Fixture.AreClose(s_fixture.GetProperty("gradient").Numbers(), gradient, 1e-6, "gradient");

            var (meanOfMeans, _) = StepOf(batches, counts: null);
            Assert.AreNotEqual(s_fixture.GetProperty("loss").Numbers()[0], meanOfMeans, 1e-3, "the step's counts matter");
        }
        var counts = s_objective.CountsOf(Rows, [0, 1, 2, 3, 4, 5]);
        Assert.AreEqual(Labels("weights").Sum(), counts.Rows, 1e-6);
        Assert.HasCount(3, counts.Parts);
    }

    // As TrainingPhase adds gradients up.
    private static (double Loss, double[] Gradient) StepOf(int[][] batches, StepCounts? counts)
    {
        using var scope = NewDisposeScope();
        var outputs = Outputs().requires_grad_();
        var (sum, total) = (0.0, 0.0);
        foreach (var rows in batches)
        {
            var targets = TargetsOf(rows) with { Step = counts };
            var loss = s_objective.Loss(outputs.index_select(0, tensor([.. rows.Select(row => (long)row)], ScalarType.Int64)), targets);
            var count = s_objective.CountOf(targets);
            loss.mul(tensor((float)count)).backward();
            (sum, total) = (sum + count * loss.item<float>(), total + count);
        }
        double[] gradient = [.. outputs.grad!.Values().Select(value => value / total)];
        outputs.grad = null;
        return (sum / total, gradient);
    }

    [TestMethod]
    public void ABatchWithoutAHeadsLabelTrainsTheOthersAlone()
    {
        using var scope = NewDisposeScope();
        var outputs = Outputs().narrow(0, 5, 1).clone().requires_grad_(); // the last row has an answer alone
        s_objective.Loss(outputs, TargetsOf([5])).backward();

        var gradient = outputs.grad!.Values();
        Assert.IsTrue(gradient[..4].All(value => value == 0), string.Join(" ", gradient));
        Assert.AreNotEqual(0, gradient[4]);
    }

    private static Tensor Outputs() =>
        tensor([.. Formula.Values("several.outputs", [6, 5]).Select(value => 2 * value)], [6, 5], ScalarType.Float32);

    private static Targets TargetsOf(int[] rows) => s_objective.TargetsOf(Rows, rows, mix: null, CPU);

    private static RowSubset Rows
    {
        get
        {
            float[][] labels = [Labels("classes"), Labels("numbers"), Labels("answers")];
            var source = new LabeledData(
                inputs: null!, [.. Enumerable.Range(0, 6).SelectMany(row => labels.Select(label => label[row]))], [0, 1, 2, 3, 4, 5],
                groups: null, 0, Labels("weights"), labelWidth: 3);
            return new RowSubset(source, [0, 1, 2, 3, 4, 5]);
        }
    }

    private static float[] Labels(string name) => [.. s_fixture.GetProperty(name).EnumerateArray()
        .Select(value => value.ValueKind == JsonValueKind.Null ? float.NaN : (float)value.GetDouble())];
}
