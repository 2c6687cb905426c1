using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Metrics, loss, gradient and best spans of question answering, against tools/reference/answers_fixture.py.</summary>
[TestClass]
public sealed class AnswerNumbersTests
{
    private static readonly JsonElement s_reference = Fixture.Read("answers.json");

    private static readonly JsonElement[] s_rows = [.. s_reference.GetProperty("rows").EnumerateArray()];

    private static readonly int s_most = s_reference.GetProperty("most").GetInt32();

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TextsAreComparedAsBySquadsScript()
    {
        foreach (var text in s_reference.GetProperty("texts").EnumerateArray())
        {
            var (exactMatch, f1) = AnswerText.Compare(text.Text("predicted"), Answers(text));
            Fixture.AreClose(text.GetProperty("scores").Numbers(), [exactMatch, f1], 1e-12, text.ToString());
        }
    }

    [TestMethod]
    public void MetricsAreMeansOverRowsWithAndWithoutAnswer()
    {
        var texts = s_reference.GetProperty("texts").EnumerateArray().Select(text => new Scored
        {
            Label = [.. Answers(text)],
            PredictedAnswer = text.Text("predicted"),
        });
        var unscored = new Scored { Label = ["x"], Score = float.NaN };
        var metrics = _ml.FineTuning.EvaluateQuestionAnswering(_ml.Data.LoadFromEnumerable(texts.Append(unscored).ToArray()));
        foreach (var (name, part) in new[]
        {
            ("all", (metrics.ExactMatch, metrics.F1)), ("with", (metrics.WithAnswer.ExactMatch, metrics.WithAnswer.F1)),
            ("without", (metrics.WithoutAnswer.ExactMatch, metrics.WithoutAnswer.F1)),
        })
        {
            Fixture.AreClose(
                s_reference.GetProperty("means").GetProperty(name).Numbers(), [part.ExactMatch, part.F1], 1e-12, name);
        }
        Assert.AreEqual(metrics.Rows, metrics.WithAnswer.Rows + metrics.WithoutAnswer.Rows);
        Assert.AreEqual(1, metrics.RowsLeftOut);
        Assert.Contains("WithoutAnswer = { ExactMatch", metrics.ToString());
    }

    [TestMethod]
    public void LossAndGradientAreThoseOfTheReference()
    {
        using var scope = NewDisposeScope();
        var objective = new AnswerObjective(s_most, threshold: 0);
        var outputs = Outputs().requires_grad_();
        var targets = Targets(objective, weights: [.. s_reference.GetProperty("weights").Numbers().Select(weight => (float)weight)]);

        var loss = objective.Loss(outputs, targets);

        Assert.AreEqual(s_reference.Number("loss"), loss.item<float>(), 1e-5);
        var count = s_reference.Number("count");
        Assert.AreEqual(count, objective.CountOf(targets), 1e-5);
        Assert.AreEqual(count, objective.ReportedCountOf(targets, rows: s_rows.Length), 1e-5);
        var (sum, evaluated) = objective.EvaluateLoss(outputs, targets);
        Assert.AreEqual(s_reference.Number("loss"), sum / evaluated, 1e-5);

        loss.backward();
        var gradients = outputs.grad!;
        foreach (var (row, expected) in s_rows.Index())
        {
            foreach (var (window, ofWindow) in expected.GetProperty("windows").EnumerateArray().Index())
            {
                var logits = ofWindow.GetProperty("gradient").EnumerateArray().Select(Fixture.Numbers).ToArray();
                for (var kind = 0; kind < 2; kind++)
                {
                    var own = gradients[row, window].select(1, kind).narrow(0, 0, logits[kind].Length);
                    Fixture.AreClose(logits[kind], own.Values(), 1e-6, $"row {row}, window {window}, {kind}");
                }
            }
        }
        Assert.IsTrue(gradients.Values().All(double.IsFinite), "the gradient of missing tokens is not 0");
    }

    [TestMethod]
    public void TheBestSpansAreThoseOfTheReference()
    {
        using var scope = NewDisposeScope();
        var found = AnswerSearch.Of(Outputs(), s_most);
        foreach (var (row, expected) in s_rows.Index())
        {
            double[] own = [.. found[(row * AnswerSearch.Width)..((row + 1) * AnswerSearch.Width)]];
            Fixture.AreClose(expected.GetProperty("best").Numbers(), own, 1e-5, $"row {row}");
        }
    }

    [TestMethod]
    public void LargeLogitsNeitherOverflowNorVanish()
    {
        using var scope = NewDisposeScope();
        // A class token and two tokens: first, last, start, end.
        float[] logits = [-5000, -5000, 0, 0, 4000, -3000, 0, 1, -3000, 4000, 2, 3];
        var found = FoundAnswer.Of(AnswerSearch.Of(tensor(logits, [1, 1, 3, 4], ScalarType.Float32), maximumTokens: 2));
        Assert.AreEqual(0, found.LogProbability, 1e-6);
        Assert.AreEqual(-18000, found.LogNoAnswer, 1);
        Assert.AreEqual((0f, 3f), (found.Start, found.End));
        // Of one token the best is far less probable than the two together, which are too long.
        var shorter = FoundAnswer.Of(AnswerSearch.Of(tensor(logits, [1, 1, 3, 4], ScalarType.Float32), maximumTokens: 1));
        Assert.IsTrue(float.IsFinite(shorter.LogProbability), "the probability of the only spans vanishes");
    }

    [TestMethod]
    public void LogitsThatAreNoNumbersGiveNoAnswer()
    {
        using var scope = NewDisposeScope();
        float[] logits = [float.NaN, 1, 0, 0, float.NaN, 1, 0, 1];
        var found = FoundAnswer.Of(AnswerSearch.Of(tensor(logits, [1, 1, 2, 4], ScalarType.Float32), maximumTokens: 2));
        Assert.IsFalse(found.IsScored);
        Assert.IsFalse(found.IsPredicted(threshold: 0));
    }

    [TestMethod]
    public void WindowsAreThoseOfTheReference()
    {
        var (room, common) = (s_reference.GetProperty("room").GetInt32(), s_reference.GetProperty("common").GetInt32());
        foreach (var row in s_rows)
        {
            int[][] starts = [.. row.GetProperty("windows").EnumerateArray().Select(
                window => window.GetProperty("starts").Numbers()[1..].Select(start => (int)start).ToArray())];
            int[] tokens = [.. starts.SelectMany(start => start).Distinct().Order()];
            var windows = TokenWindows.Of(tokens.Length, room, common);
            Assert.HasCount(starts.Length, windows);
            foreach (var ((start, end), expected) in windows.Zip(starts))
                CollectionAssert.AreEqual(expected, tokens[start..end]);
        }
    }

    private static string[] Answers(JsonElement text) =>
        [.. text.GetProperty("answers").EnumerateArray().Select(answer => answer.GetString()!)];

    // [N, K, S, 4], NaN beyond the end.
    private static Tensor Outputs()
    {
        var windows = s_rows.Max(row => row.GetProperty("windows").GetArrayLength());
        var slots = s_rows.Max(row => row.GetProperty("windows")[0].GetProperty("starts").GetArrayLength());
        var values = new float[s_rows.Length * windows * slots * AnswerLogits.Width];
        Array.Fill(values, float.NaN);
        foreach (var (row, ofRow) in s_rows.Index())
        {
            foreach (var (window, ofWindow) in ofRow.GetProperty("windows").EnumerateArray().Index())
            {
                double[][] numbers =
                [
                    .. ofWindow.GetProperty("logits").EnumerateArray().Select(Fixture.Numbers), ofWindow.GetProperty("starts").Numbers(),
                    ofWindow.GetProperty("ends").Numbers(),
                ];
                for (var slot = 0; slot < numbers[0].Length; slot++)
                {
                    for (var i = 0; i < AnswerLogits.Width; i++)
                        values[((row * windows + window) * slots + slot) * AnswerLogits.Width + i] = (float)numbers[i][slot];
                }
            }
        }
        return tensor(values, [s_rows.Length, windows, slots, AnswerLogits.Width], ScalarType.Float32);
    }

    private static Targets Targets(AnswerObjective objective, float[] weights)
    {
        float[] labels = [.. s_rows.SelectMany(row => row.GetProperty("answer").Numbers()).Select(number => (float)number)];
        int[] all = [.. Enumerable.Range(0, s_rows.Length)];
        var inputs = new Windows([.. s_rows.Select(row => row.GetProperty("windows").GetArrayLength())]);
        var source = new LabeledData(
            inputs, labels, [.. all.Select(row => (long)row)], groups: null, withoutLabel: 0, weights, labelWidth: 2);
        return objective.TargetsOf(new RowSubset(source, all), all, mix: null, CPU);
    }

    private sealed class Scored
    {
        public string[] Label { get; set; } = [];

        public string PredictedAnswer { get; set; } = "";

        public float Score { get; set; } = 1;
    }

    private sealed class Windows(int[] counts) : Dataset
    {
        public override int Count => counts.Length;

        public override int Length => 0;

        public override string Noun => "row";

        public override int WindowsOf(int row) => counts[row];

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
            null;

        public override void Dispose()
        {
        }
    }
}
