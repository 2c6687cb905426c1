using System.Text.Json;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static MlNetFineTune.Tests.Support.LossFixture;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Every loss, with hard and mixed labels, class weights and example weights, against PyTorch's numbers
/// (tools/reference/losses_fixture.py).</summary>
[TestClass]
public sealed class LossesTests
{
    private static readonly JsonElement s_fixture = LossFixture.Content;

    private static readonly JsonElement[] s_cases = [.. s_fixture.GetProperty("cases").EnumerateArray()];

    public static IEnumerable<object[]> Cases =>
        s_cases.Select(
            (c, index) => new object[] { index,
            $"{LossOf(c)} mixed={Said(c, "mixed")} classes={Said(c, "classWeights")} rows={Said(c, "exampleWeights")}" });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ValuesAndGradientsAreTheReferences(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = s_cases[index];
        var logits = Logits("losses.logits", [6, 5]);
        var objective = ObjectiveOf(expected);
        var targets = TargetsOf(objective, Labels, expected, Said(expected, "mixed"));

        var each = LossOf(expected).OfEach(
            logits, targets.Labels, Said(expected, "classWeights") ? tensor(WeightsOfClasses, ScalarType.Float64) : null, training: true);
        var mean = objective.Loss(logits, targets);
        mean.backward();

        Fixture.AreClose(expected.GetProperty("each").Numbers(), each.Values(), 1e-9, $"{what}, row");
        Fixture.AreClose([expected.Number("mean")], mean.Values(), 1e-9, what);
        Fixture.AreClose(expected.GetProperty("gradient").Numbers(), logits.grad!.Values(), 1e-9, $"gradient of {what}");
        logits.grad = null;
    }

    /// <summary>What validates is never mixed.</summary>
    public static IEnumerable<object[]> WholeCases => Cases.Where(c => !Said(s_cases[(int)c[0]], "mixed"));

    [TestMethod]
    [DynamicData(nameof(WholeCases))]
    public void ValidationJudgesByTheSameLossWithoutSmoothingAndThreshold(int index, string what)
    {
        using var scope = NewDisposeScope();
        var tried = s_cases[index];
        var plain = s_cases.Single(c => c.Text("loss") == tried.Text("loss") && !Said(c, "mixed")
            && Said(c, "classWeights") == Said(tried, "classWeights") && Said(c, "exampleWeights") == Said(tried, "exampleWeights")
            && (!c.TryGetProperty("smoothing", out var smoothing) || smoothing.GetDouble() == 0) && !c.TryGetProperty("threshold", out _)
            && (!c.TryGetProperty("gamma", out var gamma) || gamma.GetDouble() == tried.Number("gamma")));
        var objective = ObjectiveOf(tried);

        var (sum, count) = objective.EvaluateLoss(Logits("losses.logits", [6, 5]), TargetsOf(objective, Labels, tried, mixed: false));

        Fixture.AreClose([plain.Number("mean")], [sum / count], 1e-9, what);
    }

    [TestMethod]
    public void YesOrNoIsWeighedByClassAndByRow()
    {
        foreach (var expected in s_fixture.GetProperty("binary").EnumerateArray())
        {
            var weights = expected.GetProperty("classWeights");
            Verify(new BinaryObjective(weights.ValueKind == JsonValueKind.Null ? null : Floats(weights)), expected);
        }
    }

    [TestMethod]
    public void ErrorsOfRegressionAreWeighedByRow()
    {
        foreach (var expected in s_fixture.GetProperty("regression").EnumerateArray())
        {
            Verify(
                new RegressionObjective(expected.Text("loss") switch
                {
                    "SquaredError" => RegressionLoss.SquaredError,
                    "AbsoluteError" => RegressionLoss.AbsoluteError,
                    _ => RegressionLoss.Huber(0.5f),
                }),
                expected);
        }
    }

    [TestMethod]
    public void ABatchWithoutWeightHasNoLossAndNoGradient()
    {
        using var scope = NewDisposeScope();
        var logits = Logits("losses.logits", [6, 5]);
        var objective = new MulticlassObjective(5);
        var loss = objective.Loss(logits, new Targets(tensor(new long[6]), zeros(6)));
        loss.backward();

        Assert.AreEqual(0, loss.Values()[0]);
        Assert.IsTrue(logits.grad!.Values().All(value => value == 0));
        logits.grad = null;
    }

    [TestMethod]
    public void AFocalLossOfACertainNetworkHasNoSlopeThatIsNoNumber()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 200, 0, -200, 0, 200, 0 }, [2, 3], requires_grad: true);
        var loss = ClassificationLoss.Focal(0.5f).OfEach(logits, tensor(new long[] { 0, 0 }), classWeights: null, training: true);
        loss.sum().backward();

        Fixture.AreClose([0, 200], loss.Values(), 1e-4, "loss");
        Assert.IsTrue(logits.grad!.Values().All(double.IsFinite));
        logits.grad = null;
    }

    [TestMethod]
    public void ValuesOutOfRangeAndContradictionsAreRefused()
    {
        foreach (var smoothing in new[] { -0.1f, 1, float.NaN })
        {
            Refuses(() => ClassificationLoss.CrossEntropy(smoothing), "Label smoothing must be at least 0 and below 1.");
            Refuses(() => ClassificationLoss.BinaryCrossEntropy(smoothing), "Label smoothing must be at least 0 and below 1.");
            Refuses(() => ClassificationLoss.BinaryCrossEntropy(threshold: smoothing), "The threshold must be at least 0 and below 1.");
        }
        foreach (var gamma in new[] { -1, float.NaN, float.PositiveInfinity })
            Refuses(() => ClassificationLoss.Focal(gamma), "Gamma must be 0 or above.");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ClassificationLoss.BinaryCrossEntropy(0.1f, 0.2f)).Message,
            "say one of the two");
        CollectionAssert.AreEqual(
            new[] { "CrossEntropy(smoothing: 0)", "Focal(gamma: 2)", "BinaryCrossEntropy(smoothing: 0)",
                "BinaryCrossEntropy(smoothing: 0, threshold: 0.2)" },
            new[] { ClassificationLoss.CrossEntropy(), ClassificationLoss.Focal(), ClassificationLoss.BinaryCrossEntropy(),
                ClassificationLoss.BinaryCrossEntropy(threshold: 0.2f) }.Select(loss => loss.ToString()).ToArray());
    }

    private static void Verify(Objective objective, JsonElement expected)
    {
        using var scope = NewDisposeScope();
        var outputs = Logits("losses.binary", [2, 3]).reshape(6, 1).detach().requires_grad_();
        var targets = TargetsOf(objective, Floats(expected.GetProperty("labels")), expected, mixed: false);

        var mean = objective.Loss(outputs, targets);
        mean.backward();
        var (sum, count) = objective.EvaluateLoss(outputs, targets);

        Fixture.AreClose([expected.Number("mean"), expected.Number("mean")], [mean.Values()[0], sum / count], 1e-9, expected.ToString());
        Fixture.AreClose(expected.GetProperty("gradient").Numbers(), outputs.grad!.Values(), 1e-9, $"gradient of {expected}");
        outputs.grad = null;
    }

    private static MulticlassObjective ObjectiveOf(JsonElement expected) =>
        new(5, LossOf(expected), Said(expected, "classWeights") ? WeightsOfClasses : null);

    private static void Refuses(Func<object> make, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
}
