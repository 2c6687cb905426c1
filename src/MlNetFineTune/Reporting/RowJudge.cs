using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Reporting;

/// <summary>Judges the finished model by its validation rows, each for itself.</summary>
internal static class RowJudge
{
    private const int MostMistakes = 24;
    private const int RowsAtOnce = 1024;

    /// <param name="outputs">Of the rows that could be read.</param>
    /// <param name="objective">Makes scores of outputs.</param>
    /// <param name="subset">The rows.</param>
    /// <param name="classes">Null where a number is predicted.</param>
    public static JudgedRows Judge(RowOutputs outputs, Objective objective, RowSubset subset, IReadOnlyList<string>? classes)
    {
        var judged = new List<JudgedRow>();
        for (var first = 0; first < outputs.Rows.Length; first += RowsAtOnce)
        {
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var rows = outputs.Rows.AsSpan(first, Math.Min(RowsAtOnce, outputs.Rows.Length - first));
            var scores = objective.ScoresOf(outputs.ToTensor(first, rows.Length)).contiguous().data<float>().ToArray();
            for (var i = 0; i < rows.Length; i++)
            {
                var score = scores.AsSpan(i * objective.ScoreLength, objective.ScoreLength);
                judged.Add(Of(rows[i], subset.Source.LabelOf(rows[i])[0], score, classes));
            }
        }
        var worst = classes is null
            ? judged.OrderByDescending(row => Math.Abs(row.Label - row.Predicted))
            : judged.Where(row => row.IsWrong).OrderBy(row => row.LabelProbability);
        return new JudgedRows(subset.Source.Inputs.Noun, classes, judged, [.. worst.Take(MostMistakes).Select(row => new Mistake(row, Where(subset.Source, row.Row), Thumbnail.Of(subset.Source.Inputs, row.Row)))]);
    }

    private static JudgedRow Of(int row, float label, ReadOnlySpan<float> scores, IReadOnlyList<string>? classes)
    {
        if (classes is null)
            return new JudgedRow(row, label, scores[0], float.NaN, float.NaN);
        if (scores.Length == 1)
        {
            var yes = 1 / (1 + MathF.Exp(-scores[0])); // the score is a logit
            return new JudgedRow(row, label, scores[0] > 0 ? 1 : 0, Math.Max(yes, 1 - yes), label > 0.5f ? yes : 1 - yes);
        }
        var best = 0;
        for (var c = 1; c < scores.Length; c++)
        {
            if (scores[c] > scores[best])
                best = c;
        }
        return new JudgedRow(row, label, best, scores[best], scores[(int)label]);
    }

    /// <summary>A row's file, or its place in the data.</summary>
    public static string Where(LabeledData source, int row) => source.Inputs.PathOf(row) is { } path
        ? Shown.Text($"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}", Shown.SentenceLength)
        : FormattableString.Invariant($"row {source.Ordinals[row]}");
}
