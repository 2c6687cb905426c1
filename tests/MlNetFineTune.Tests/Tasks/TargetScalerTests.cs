using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class TargetScalerTests
{
    public static IEnumerable<object[]> Cases => [[0], [1]];

    /// <summary>Three outputs: 1e4 give or take 1, one of small numbers, one that is 0.1 in every row.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void MeansAndDeviationsAreThoseOfScikitLearn(int index)
    {
        var expected = Fixture.Read("metrics.json").GetProperty("scaling")[index];
        var (labels, weights) = (LossFixture.Floats(expected.GetProperty("labels")), expected.GetProperty("weights"));
        var scaler = TargetScaler.Of(labels, 3, weights.ValueKind == JsonValueKind.Null ? [] : LossFixture.Floats(weights));

        Fixture.AreClose(expected.GetProperty("means").Numbers(), [.. scaler.Outputs.Select(scale => scale.Mean)], 1e-12, "mean");
        var deviations = expected.GetProperty("deviations").Numbers();
        Fixture.AreClose(deviations, [.. scaler.Outputs.Select(scale => scale.Deviation)], 1e-10, "deviation");
        Assert.AreEqual(1, scaler.Outputs[2].Deviation);
    }

    [TestMethod]
    public void StandardisedLabelsHaveMeanZeroAndDeviationOneAndComeBackAsTheyWere()
    {
        float[] labels = [2000, 1, 2001, 3, 2005, 5, 1999.5f, 7];
        var scaler = TargetScaler.Of(labels, 2);
        var standardized = scaler.Standardize(labels);
        for (var output = 0; output < 2; output++)
        {
            double[] column = [.. standardized.Where((_, i) => i % 2 == output)];
            Assert.AreEqual(0, column.Average(), 1e-6);
            Assert.AreEqual(1, column.Average(value => value * value), 1e-6);
        }
        for (var i = 0; i < labels.Length; i++)
            Assert.AreEqual(labels[i], scaler.Restore(standardized)[i], 1e-6f * labels[i]);

        using var scope = NewDisposeScope();
        var asTensor = scaler.Standardize(tensor(labels, [4, 2]));
        CollectionAssert.AreEqual(standardized, asTensor.data<float>().ToArray());
        CollectionAssert.AreEqual(scaler.Restore(standardized), scaler.Restore(asTensor).data<float>().ToArray());
        Assert.AreEqual(ScalarType.Float32, asTensor.dtype);
        Assert.ThrowsExactly<ArgumentException>(() => scaler.Restore(asTensor.flatten()));
    }

    [TestMethod]
    public void ARowOfWeightTwoIsTwoRowsAndOneOfWeightZeroIsNone()
    {
        var weighted = TargetScaler.Of([1, 5, float.NaN, 3], weights: [1, 2, 0, 1]).Outputs[0];
        var repeated = TargetScaler.Of([1, 5, 5, 3]).Outputs[0];
        Assert.AreEqual(repeated.Mean, weighted.Mean, 1e-15);
        Assert.AreEqual(repeated.Deviation, weighted.Deviation, 1e-15);
    }

    [TestMethod]
    public void ConstantLabelsAreShiftedOnlyAndNoLabelsStayAsTheyAre()
    {
        Assert.AreEqual(new TargetScale(0.1f, 1), TargetScaler.Of([.. Enumerable.Repeat(0.1f, 1000)], 1).Outputs[0] with { });
        Assert.AreEqual(new TargetScale(7, 1), TargetScaler.Of([7]).Outputs[0]);
        Assert.AreEqual(new TargetScaler([TargetScale.Identity, TargetScale.Identity]), TargetScaler.Of([], 2));
        Assert.AreEqual(new TargetScaler([TargetScale.Identity]), TargetScaler.Of([5, 6], weights: [0, 0]));
        CollectionAssert.AreEqual(new[] { 3f, -1 }, TargetScaler.Of([], 2).Standardize([3, -1]));
        // Ten digits that do not change, and one that does, are no constant.
        Assert.AreEqual(0.5, TargetScaler.Of([8_000_000, 8_000_001]).Outputs[0].Deviation);
    }

    [TestMethod]
    public void LabelsAndWeightsThatCannotBeCountedAreRefused()
    {
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, float.NaN])), "Row 1 has the label NaN for output 0.");
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, 2, float.PositiveInfinity, 3], 2)), "Row 1 has the label");
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, 2], weights: [1, -1])), "Row 1 has the weight -1.");
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, 2], weights: [1, float.NaN])), "Row 1 has the weight NaN.");
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, 2], weights: [1])), "1 weights for 2 rows");
        StringAssert.Contains(Refused(() => TargetScaler.Of([1, 2, 3], 2)), "3 labels are no rows of 2");
        Refused(() => new TargetScaler([]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TargetScale(double.NaN, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TargetScale(0, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new OutputRange(1, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new OutputRange(float.NegativeInfinity, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new OutputRange(0, float.NaN));

        static string Refused(Func<object> make) => Assert.ThrowsExactly<ArgumentException>(() => make()).Message;
    }

    [TestMethod]
    public void AManifestHoldsThemAsJson()
    {
        var scaler = new TargetScaler([new(1.0 / 3, 2), new(-5e-7, 1e10)]);
        var json = JsonSerializer.Serialize(scaler);
        Assert.AreEqual("""{"Outputs":[{"Mean":0.3333333333333333,"Deviation":2},{"Mean":-5E-07,"Deviation":10000000000}]}""", json);
        Assert.AreEqual(scaler, JsonSerializer.Deserialize<TargetScaler>(json));
        Assert.AreEqual(scaler.GetHashCode(), JsonSerializer.Deserialize<TargetScaler>(json)!.GetHashCode());
        Assert.AreNotEqual(scaler, new TargetScaler([scaler.Outputs[0], scaler.Outputs[0]]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            JsonSerializer.Deserialize<TargetScaler>("""{"Outputs":[{"Mean":0,"Deviation":0}]}"""));

        var range = new OutputRange(-1, 5.5f);
        Assert.AreEqual("""{"Minimum":-1,"Maximum":5.5}""", JsonSerializer.Serialize(range));
        Assert.AreEqual(range, JsonSerializer.Deserialize<OutputRange>(JsonSerializer.Serialize(range)));
    }

    [TestMethod]
    public void AnOutputRangeIsAScaledSigmoidAlsoInStandardisedUnits()
    {
        using var scope = NewDisposeScope();
        var range = new OutputRange(-2, 6);
        var outputs = tensor([0.0, 1, -3, 1000, -1000]).unsqueeze(1).requires_grad_();
        var scores = range.Apply(outputs, TargetScale.Identity);
        double[] expected = [2, -2 + 8 / (1 + Math.Exp(-1)), -2 + 8 / (1 + Math.Exp(3)), 6, -2];
        Fixture.AreClose(expected, scores.Values(), 1e-14, "score");

        var scale = new TargetScale(100, 7);
        var restored = new TargetScaler([scale]).Restore(range.Apply(outputs, scale));
        Fixture.AreClose(expected, restored.Values(), 1e-13, "restored score");

        scores.sum().backward();
        Assert.AreEqual(8 * 0.25, outputs.grad!.Values()[0], 1e-14);
        Assert.IsTrue(outputs.grad!.Values().All(double.IsFinite));
        outputs.grad = null;
    }
}
