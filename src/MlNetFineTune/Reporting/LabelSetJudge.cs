using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Reporting;

/// <summary>The model's predictions for the validation rows of multi-label data.</summary>
/// <param name="Noun">Noun for a row: picture or row.</param>
/// <param name="Rows">Number of rows that could be read.</param>
/// <param name="WrongRows">Number of those with at least one wrong label.</param>
/// <param name="Labels">Results for each label, in the order of the scores.</param>
/// <param name="Worst">The errors with the highest loss, the highest first.</param>
internal sealed record JudgedLabelSets(
    string Noun, int Rows, int WrongRows, IReadOnlyList<JudgedLabel> Labels, IReadOnlyList<LabelSetMistake> Worst);

/// <summary>Results for one label.</summary>
/// <param name="Name">Name of the label.</param>
/// <param name="Support">Number of rows that have it.</param>
/// <param name="AveragePrecision">Average precision; NaN if no row has it.</param>
/// <param name="F1">F1 score at the threshold.</param>
/// <param name="Threshold">Probability above which the label is predicted.</param>
/// <param name="Ranking">The rows ranked by its score.</param>
internal sealed record JudgedLabel(string Name, int Support, double AveragePrecision, double F1, float Threshold, ScoreRanking Ranking);

/// <summary>A row with wrong labels.</summary>
/// <param name="Where">File of the row, or its index in the data.</param>
/// <param name="Picture">A data URI; null if there is no picture.</param>
/// <param name="Missed">False negatives with their probabilities.</param>
/// <param name="Invented">False positives with their probabilities.</param>
internal sealed record LabelSetMistake(
    string Where, string? Picture, IReadOnlyList<(string Label, float Probability)> Missed,
    IReadOnlyList<(string Label, float Probability)> Invented);

/// <summary>Evaluates the finished model on each validation row of multi-label data.</summary>
internal static class LabelSetJudge
{
    private const int MostMistakes = 24;

    /// <param name="outputs">Outputs for the rows that could be read.</param>
    /// <param name="task">The model's task.</param>
    /// <param name="subset">The rows.</param>
    public static JudgedLabelSets Judge(RowOutputs outputs, BoundMultiLabel task, RowSubset subset)
    {
        var (names, thresholds, count) = (task.ClassNames, task.LabelThresholds, task.Outputs);
        if (outputs.Rows.Length == 0)
            return new(subset.Source.Inputs.Noun, Rows: 0, WrongRows: 0, [], []);
        using var scope = NewDisposeScope();
        var scores = task.Scoring.ScoresOf(outputs.ToTensor()).contiguous().data<float>().ToArray(); // [N * labels]
        var isThere = LabelSets.Of(subset.LabelsOf(outputs.Rows));
        bool[] predicted = [.. scores.Select((score, at) => score > thresholds[at % count])];
        var counts = new MultiLabelCounts(count);
        var wrong = new List<(int Place, double Surprise)>();
        for (var place = 0; place < outputs.Rows.Length; place++)
        {
            var (first, end) = (place * count, (place + 1) * count);
            counts.Add(isThere.AsSpan(first, count), predicted.AsSpan(first, count));
            if (!isThere.AsSpan(first, count).SequenceEqual(predicted.AsSpan(first, count)))
                wrong.Add((place, Enumerable.Range(first, end - first).Sum(Surprise)));
        }
        var f1 = counts.PerLabelF1;
        var worst = wrong.OrderByDescending(mistake => mistake.Surprise).Take(MostMistakes);
        return new(
            subset.Source.Inputs.Noun, outputs.Rows.Length, wrong.Count, [.. names.Select(Summarize)],
            [.. worst.Select(mistake => Mistake(mistake.Place))]);

        // The negative log probability of the true value: the unweighted loss.
        double Surprise(int at) => -Math.Log(Math.Max(isThere[at] ? scores[at] : 1 - scores[at], 1e-12));

        JudgedLabel Summarize(string name, int label)
        {
            float[] ofLabel = [.. Enumerable.Range(0, outputs.Rows.Length).Select(place => scores[place * count + label])];
            bool[] there = [.. Enumerable.Range(0, outputs.Rows.Length).Select(place => isThere[place * count + label])];
            var ranking = ScoreRanking.Of(ofLabel, there);
            return new(name, there.Count(has => has), RankingMetrics.AveragePrecision(ranking), f1[label], thresholds[label], ranking);
        }

        LabelSetMistake Mistake(int place)
        {
            var row = outputs.Rows[place];
            var (missed, invented) = (new List<(string, float)>(), new List<(string, float)>());
            for (var label = 0; label < count; label++)
            {
                var at = place * count + label;
                if (isThere[at] != predicted[at])
                    (isThere[at] ? missed : invented).Add((names[label], scores[at]));
            }
            return new(RowJudge.Where(subset.Source, row), Thumbnail.Of(subset.Source.Inputs, row), missed, invented);
        }
    }
}
