using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Reporting;

/// <summary>Evaluates the finished model on each validation row.</summary>
internal static class RowJudge
{
    private const int MostMistakes = 24;
    private const int RowsAtOnce = 1024;

    /// <param name="outputs">Outputs for the rows that could be read.</param>
    /// <param name="task">Computes scores and predictions from outputs.</param>
    /// <param name="subset">The rows.</param>
    public static JudgedRows Judge(RowOutputs outputs, BoundTask task, RowSubset subset)
    {
        var (objective, classes) = (task.Scoring, task.ClassNames);
        var judged = new List<JudgedRow>();
        var firstScores = new List<float>();
        for (var first = 0; first < outputs.Rows.Length; first += RowsAtOnce)
        {
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var rows = outputs.Rows.AsSpan(first, Math.Min(RowsAtOnce, outputs.Rows.Length - first));
            var scores = objective.ScoresOf(outputs.ToTensor(first, rows.Length)).contiguous().data<float>().ToArray();
            for (var i = 0; i < rows.Length; i++)
            {
                var score = scores.AsSpan(i * objective.ScoreLength, objective.ScoreLength);
                judged.Add(Of(rows[i], subset.Source.LabelOf(rows[i])[0], score, classes, task.ScoreThreshold ?? 0));
                firstScores.Add(score[0]);
            }
        }
        var worst = classes is null
            ? judged.OrderByDescending(row => Math.Abs(row.Label - row.Predicted))
            : judged.Where(row => row.IsWrong).OrderBy(row => row.LabelProbability);
        Mistake[] mistakes =
        [
            .. worst.Take(MostMistakes).Select(
                row => new Mistake(row, Where(subset.Source, row.Row), Thumbnail.Of(subset.Source.Inputs, row.Row))),
        ];
        var roc = task.ScoreThreshold is { } threshold
            ? RocCurve.Of([.. firstScores], [.. judged.Select(row => row.Label > 0.5f)], threshold, task.ProbabilityThreshold!.Value)
            : null;
        return new JudgedRows(subset.Source.Inputs.Noun, classes, judged, mistakes) { Roc = roc };
    }

    private static JudgedRow Of(int row, float label, ReadOnlySpan<float> scores, IReadOnlyList<string>? classes, float threshold)
    {
        if (classes is null)
            return new JudgedRow(row, label, scores[0], float.NaN, float.NaN);
        if (scores.Length == 1)
        {
            var yes = 1 / (1 + MathF.Exp(-scores[0])); // the score is a logit
            var isPositive = scores[0] > threshold;
            return new JudgedRow(row, label, isPositive ? 1 : 0, isPositive ? yes : 1 - yes, label > 0.5f ? yes : 1 - yes);
        }
        var best = 0;
        for (var c = 1; c < scores.Length; c++)
        {
            if (scores[c] > scores[best])
                best = c;
        }
        return new JudgedRow(row, label, best, scores[best], scores[(int)label]);
    }

    /// <summary>A row's file, or its index in the data.</summary>
    public static string Where(LabeledData source, int row) => source.Inputs.PathOf(row) is { } path
        ? SafeText.Of($"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}", SafeText.SentenceLength)
        : FormattableString.Invariant($"row {source.Ordinals[row]}");
}
