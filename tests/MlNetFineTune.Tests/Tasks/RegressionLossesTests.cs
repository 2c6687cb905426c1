using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The losses of a regression against PyTorch's values and gradients (tools/reference/tasks_fixture.py), in doubles.</summary>
[TestClass]
public sealed class RegressionLossesTests
{
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("tasks.json").GetProperty("regression").EnumerateArray()];

    public static IEnumerable<object[]> Cases => s_cases.Select((expected, index) => new object[] { index, LossOf(expected).ToString() });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ValuesAndGradientsAreTheReferences(int index, string what)
    {
        var expected = s_cases[index];
        using var scope = NewDisposeScope();
        var scores = LossFixture.Logits("tasks.scores", [2, 4]).reshape(8).detach().requires_grad_();
        var labels = tensor(expected.GetProperty("labels").Numbers(), ScalarType.Float64);

        var each = LossOf(expected).OfEach(scores, labels);
        each.mean().backward();

        Fixture.AreClose(expected.GetProperty("each").Numbers(), each.Values(), 1e-10, what);
        Fixture.AreClose(expected.GetProperty("gradient").Numbers(), scores.grad!.Values(), 1e-10, $"gradient of {what}");
        scores.grad = null;
    }

    [TestMethod]
    public void TheQuantileLossIsLeastWhereItsShareOfTheLabelsLieBelow()
    {
        using var scope = NewDisposeScope();
        var labels = arange(0, 100, ScalarType.Float64); // nine of ten lie below 90
        var losses = Enumerable.Range(0, 100).Select(score => LossOfAll(tensor((double)score, ScalarType.Float64).expand(100))).ToArray();
        Assert.IsTrue(Array.IndexOf(losses, losses.Min()) is 89 or 90); // equal, but for rounding

        double LossOfAll(Tensor scores) => RegressionLoss.Quantile(0.9f).OfEach(scores, labels).sum().item<double>();
    }

    [TestMethod]
    public void AShareThatIsNoneIsRefused()
    {
        foreach (var share in new[] { 0, 1, -0.5f, 1.5f, float.NaN })
        {
            var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => RegressionLoss.Quantile(share));
            StringAssert.Contains(error.Message, "The quantile must be above 0 and below 1.");
        }
    }

    [TestMethod]
    public void LossesAreToldApartAndPrintTheSameInEveryCulture()
    {
        Assert.AreEqual(RegressionLoss.Quantile(), RegressionLoss.Quantile(0.5f));
        Assert.AreNotEqual(RegressionLoss.Quantile(0.1f), RegressionLoss.Quantile(0.9f));
        Assert.AreNotEqual(CanonicalJson.Of(RegressionLoss.Quantile(0.1f)), CanonicalJson.Of(RegressionLoss.Quantile(0.9f)));
        Culture.Each(name => Assert.AreEqual("Quantile(0.25)", RegressionLoss.Quantile(0.25f).ToString(), name));
    }

    /// <summary>A minimum stays where it is: the loss of scores and labels in another unit is the same, times a factor.</summary>
    [TestMethod]
    public void LossesOfStandardisedLabelsHaveTheSameMinimum()
    {
        using var scope = NewDisposeScope();
        var (scores, labels) = (tensor([1.0, 5, -3, 0.5]), tensor([0.0, 0.25, -4, 8]));
        const double deviation = 4;
        foreach (var (loss, power) in ((RegressionLoss, int)[])[(RegressionLoss.SquaredError, 2), (RegressionLoss.AbsoluteError, 1),
            (RegressionLoss.Huber(2), 2), (RegressionLoss.Quantile(0.2f), 1)])
        {
            var own = loss.OfEach(scores, labels).Values();
            var divided = loss.ForLabelsDividedBy(deviation).OfEach(scores / deviation, labels / deviation).Values();
            Fixture.AreClose(own, [.. divided.Select(value => value * Math.Pow(deviation, power))], 1e-12, loss.ToString());
        }
    }

    internal static RegressionLoss LossOf(JsonElement expected) => expected.Text("loss") switch
    {
        "SquaredError" => RegressionLoss.SquaredError,
        "AbsoluteError" => RegressionLoss.AbsoluteError,
        "Huber" => RegressionLoss.Huber((float)expected.Number("parameter")),
        _ => RegressionLoss.Quantile((float)expected.Number("parameter")),
    };
}
