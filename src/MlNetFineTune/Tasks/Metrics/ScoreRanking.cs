using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>Numbers of rows with at least a given score.</summary>
/// <param name="Score">The score.</param>
/// <param name="TruePositives">Weight of positive rows with at least this score.</param>
/// <param name="FalsePositives">Weight of negative rows with at least this score.</param>
internal readonly record struct ScoreCut(float Score, double TruePositives, double FalsePositives);

/// <summary>
/// Cumulative counts of rows by descending score, for ROC and precision-recall curves, their areas, and the choice of a threshold. Rows
/// with equal scores form one cut, since no threshold separates them. O(n log n).
/// </summary>
internal sealed class ScoreRanking
{
    private ScoreRanking(List<ScoreCut> cuts) => Cuts = cuts;

    /// <summary>One cut per distinct score, in descending order.</summary>
    public IReadOnlyList<ScoreCut> Cuts { get; }

    public double Positives => Cuts is [.., var last] ? last.TruePositives : 0;

    public double Negatives => Cuts is [.., var last] ? last.FalsePositives : 0;

    /// <summary>Whether there are rows of both classes.</summary>
    public bool HasBoth => Positives > 0 && Negatives > 0;

    /// <param name="scores">Higher scores for more probably positive rows. Rows with a NaN score are excluded.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static ScoreRanking Of(ReadOnlySpan<float> scores, ReadOnlySpan<bool> labels)
    {
        RowArguments.Check(scores.Length, labels.Length);
        var (rising, rows, count) = (new float[scores.Length], new int[scores.Length], 0);
        for (var row = 0; row < scores.Length; row++)
        {
            if (!float.IsNaN(scores[row]))
                (rising[count], rows[count++]) = (scores[row], row);
        }
        Array.Sort(rising, rows, 0, count);

        var cuts = new List<ScoreCut>();
        var (truePositives, falsePositives) = (0.0, 0.0);
        for (var i = count - 1; i >= 0; i--)
        {
            if (labels[rows[i]])
                truePositives++;
            else
                falsePositives++;
            if (i == 0 || rising[i - 1] != rising[i])
                cuts.Add(new(rising[i], truePositives, falsePositives));
        }
        return new(cuts);
    }

    /// <summary>The confusion matrix if the rows of a cut are predicted as positive.</summary>
    public BinaryCounts CountsAt(ScoreCut cut) =>
        new(cut.TruePositives, cut.FalsePositives, Positives - cut.TruePositives, Negatives - cut.FalsePositives);
}
