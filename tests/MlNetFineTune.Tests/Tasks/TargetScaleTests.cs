using System.Text.Json;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class TargetScaleTests
{
    public static IEnumerable<object[]> Cases => [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];

    /// <summary>1e4 give or take 1, small numbers, and 0.1 in every row; without and with weights.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void MeanAndDeviationAreThoseOfScikitLearn(int index, int column)
    {
        var expected = Fixture.Read("metrics.json").GetProperty("scaling")[index];
        float[] labels = [.. LossFixture.Floats(expected.GetProperty("labels")).Where((_, i) => i % 3 == column)];
        var weights = expected.GetProperty("weights");
        var scale = TargetScale.Of(labels, weights.ValueKind == JsonValueKind.Null ? [] : LossFixture.Floats(weights));

        Fixture.AreClose([expected.GetProperty("means").Numbers()[column]], [scale.Mean], 1e-12, "mean");
        Fixture.AreClose([expected.GetProperty("deviations").Numbers()[column]], [scale.Deviation], 1e-10, "deviation");
        if (column == 2)
            Assert.AreEqual(1, scale.Deviation);
    }

    [TestMethod]
    public void StandardisedLabelsHaveMeanZeroAndDeviationOneAndComeBackAsTheyWere()
    {
        using var scope = NewDisposeScope();
        float[] labels = [2000, 2001, 2005, 1999.5f];
        var scale = TargetScale.Of(labels);
        var standardized = scale.Standardize(tensor(labels));
        Assert.AreEqual(ScalarType.Float32, standardized.dtype);
        Assert.AreEqual(0, standardized.Values().Average(), 1e-6);
        Assert.AreEqual(1, standardized.Values().Average(value => value * value), 1e-6);
        CollectionAssert.AreEqual(
            labels.Select(label => (float)scale.Standardize(label)).ToArray(), standardized.data<float>().ToArray(), "rounded once");
        var restored = scale.Restore(standardized);
        for (var i = 0; i < labels.Length; i++)
            Assert.AreEqual(labels[i], restored.Values()[i], 1e-6f * labels[i]);
        CollectionAssert.AreEqual(
            standardized.data<float>().ToArray().Select(value => (float)scale.Restore(value)).ToArray(),
            restored.data<float>().ToArray());
    }

    [TestMethod]
    public void ARowOfWeightTwoIsTwoRowsAndOneOfWeightZeroIsNone()
    {
        var weighted = TargetScale.Of([1, 5, float.NaN, 3], weights: [1, 2, 0, 1]);
        var repeated = TargetScale.Of([1, 5, 5, 3]);
        Assert.AreEqual(repeated.Mean, weighted.Mean, 1e-15);
        Assert.AreEqual(repeated.Deviation, weighted.Deviation, 1e-15);
    }

    [TestMethod]
    public void ConstantLabelsAreShiftedOnlyAndNoLabelsStayAsTheyAre()
    {
        Assert.AreEqual(new TargetScale(0.1f, 1), TargetScale.Of([.. Enumerable.Repeat(0.1f, 1000)]));
        Assert.AreEqual(new TargetScale(7, 1), TargetScale.Of([7]));
        Assert.AreEqual(TargetScale.Identity, TargetScale.Of([]));
        Assert.AreEqual(TargetScale.Identity, TargetScale.Of([5, 6], weights: [0, 0]));
        // Ten digits that do not change, and one that does, are no constant.
        Assert.AreEqual(0.5, TargetScale.Of([8_000_000, 8_000_001]).Deviation);
    }

    [TestMethod]
    public void LabelsAndWeightsThatCannotBeCountedAreRefused()
    {
        StringAssert.Contains(Refused(() => TargetScale.Of([1, float.NaN])), "Row 1 has the label NaN.");
        StringAssert.Contains(Refused(() => TargetScale.Of([1, 2, float.PositiveInfinity, 3])), "Row 2 has the label");
        StringAssert.Contains(Refused(() => TargetScale.Of([1, 2], weights: [1, -1])), "Row 1 has the weight -1.");
        StringAssert.Contains(Refused(() => TargetScale.Of([1, 2], weights: [1, float.NaN])), "Row 1 has the weight NaN.");
        StringAssert.Contains(Refused(() => TargetScale.Of([1, 2], weights: [1])), "1 weights for 2 rows");
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
        var scale = new TargetScale(1.0 / 3, 2);
        var json = JsonSerializer.Serialize(scale);
        Assert.AreEqual("""{"Mean":0.3333333333333333,"Deviation":2}""", json);
        Assert.AreEqual(scale, JsonSerializer.Deserialize<TargetScale>(json));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            JsonSerializer.Deserialize<TargetScale>("""{"Mean":0,"Deviation":0}"""));

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
        Fixture.AreClose(expected, scale.Restore(range.Apply(outputs, scale)).Values(), 1e-13, "restored score");

        scores.sum().backward();
        Assert.AreEqual(8 * 0.25, outputs.grad!.Values()[0], 1e-14);
        Assert.IsTrue(outputs.grad!.Values().All(double.IsFinite));
        outputs.grad = null;
    }
}
