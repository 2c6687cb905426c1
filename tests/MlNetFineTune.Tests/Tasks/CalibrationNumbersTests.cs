using System.Text.Json;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Temperature, errors and thresholds against PyTorch and the paper's code (tools/reference/calibration_fixture.py).</summary>
[TestClass]
public sealed class CalibrationNumbersTests
{
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("calibration.json").GetProperty("cases").EnumerateArray()];

    public static IEnumerable<object[]> Cases => s_cases.Select((_, index) => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TemperatureErrorsAndThresholdsAreTheReferences(int index)
    {
        var expected = s_cases[index];
        var (logits, labels) = (Logits(expected), Labels(expected));
        string[] classes = [.. Enumerable.Range(0, logits[0].Length).Select(c => $"class {c}")];

        var temperature = TemperatureScaling.Fit(logits, labels)!.Value;
        var found = Calibrator.Describe(logits, labels, classes, (float)temperature, (float)expected.Number("precision"));

        // The loss is flat at its minimum: LBFGS finds its place to half of a double's digits.
        Fixture.AreClose([expected.Number("temperature")], [temperature], 1e-7, "temperature");
        Fixture.AreClose([expected.Number("lossBefore"), expected.Number("lossAfter"), expected.Number("errorBefore")],
            [found.LossBefore, found.LossAfter, found.ErrorBefore], 1e-10, "losses and error");
        Fixture.AreClose([expected.Number("errorAfter")], [found.ErrorAfter], 1e-6, "error after: the temperature is a Single there");
        var thresholds = expected.GetProperty("thresholds").EnumerateArray().ToArray();
        for (var c = 0; c < classes.Length; c++)
        {
            Assert.AreEqual(thresholds[c].ValueKind == JsonValueKind.Null, found.RejectThresholds[classes[c]] is null, classes[c]);
            if (found.RejectThresholds[classes[c]] is { } threshold)
                Assert.AreEqual(thresholds[c].GetSingle(), threshold, 1e-6f, classes[c]);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void NoTemperatureNearbyIsBetter(int index)
    {
        var (logits, labels) = (Logits(s_cases[index]), Labels(s_cases[index]));
        var temperature = TemperatureScaling.Fit(logits, labels)!.Value;

        var best = TemperatureScaling.Loss(logits, labels, temperature);

        foreach (var factor in (double[])[0.2, 0.9, 0.999, 1.001, 1.1, 5])
            Assert.IsGreaterThan(best, TemperatureScaling.Loss(logits, labels, temperature * factor));
    }

    [TestMethod]
    public void RowsThatAreAllRightOrSayNothingDetermineNoTemperature()
    {
        Assert.IsNull(TemperatureScaling.Fit([[3, 0, 1], [0, 2, 1]], [0, 1]));
        Assert.IsNull(TemperatureScaling.Fit([[1, 1], [1, 1]], [0, 1]));
        Assert.IsNull(TemperatureScaling.Fit([[0, 5], [5, 0]], [0, 1])); // all wrong
        Assert.IsNull(TemperatureScaling.Fit([[1e4, 0], [0, 1e4]], [0, 1]));
    }

    [TestMethod]
    public void ExtremeLogitsHaveTheirTemperature()
    {
        // One of four is wrong, all by the same distance d: p = 3/4 at T = d / ln 3.
        foreach (var distance in (double[])[0.1, 1, 10, 21])
        {
            double[][] logits = [[distance, 0], [distance, 0], [distance, 0], [distance, 0]];
            Assert.AreEqual(distance / Math.Log(3), TemperatureScaling.Fit(logits, [0, 0, 0, 1])!.Value, 1e-9 * distance);
        }
        Assert.IsNull(TemperatureScaling.Fit([[50, 0], [50, 0], [50, 0], [50, 0]], [0, 0, 0, 1]), "45 is beyond the greatest");
    }

    [TestMethod]
    public void AThresholdNeedsTenRowsAndTakesEqualScoresTogether()
    {
        Assert.IsNull(RejectThreshold.Of(Right(9, 0.9), 0.5));
        Assert.AreEqual(0.9f, RejectThreshold.Of(Right(10, 0.9), 1));
        // 19 of 20 is 0.95; the wrong row shares its score with the last right one.
        JudgedPrediction[] nineteen = [.. Right(18, 0.9), .. Right(1, 0.6), new(0, 0.6, IsRight: false)];
        Assert.AreEqual(0.6f, RejectThreshold.Of(nineteen, 0.95));
        Assert.AreEqual(0.9f, RejectThreshold.Of(nineteen, 0.96));
        // Precision is regained below a stumble: the smallest score counts.
        Assert.AreEqual(0.5f, RejectThreshold.Of([.. Right(10, 0.9), new(0, 0.8, IsRight: false), .. Right(9, 0.5)], 0.95));
    }

    [TestMethod]
    public void ScoresAreOfLogitsOverTheTemperature()
    {
        using var scope = NewDisposeScope();
        var logits = tensor((float[])[3, 1, 0, -2, 0.5f, 0.25f]).view(2, 3);

        var scores = new MulticlassObjective(3, temperature: 2.5f).ScoresOf(logits);
        var binary = new BinaryObjective(temperature: 2.5f).ScoresOf(tensor((float[])[3, -1]).view(2, 1));

        Fixture.AreClose([.. TemperatureScaling.Softmax([3, 1, 0], 2.5), .. TemperatureScaling.Softmax([-2, 0.5, 0.25], 2.5)],
            scores.Values(), 1e-6, "score");
        Fixture.AreClose([1.2, -0.4], binary.Values(), 1e-6, "logit");
    }

    private static IEnumerable<JudgedPrediction> Right(int count, double score) =>
        Enumerable.Repeat(new JudgedPrediction(0, score, IsRight: true), count);

    private static double[][] Logits(JsonElement one) => [.. one.GetProperty("logits").EnumerateArray().Select(row => row.Numbers())];

    private static int[] Labels(JsonElement one) => [.. one.GetProperty("labels").Numbers().Select(label => (int)label)];
}
