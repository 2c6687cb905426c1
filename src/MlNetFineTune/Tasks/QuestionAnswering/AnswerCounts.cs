namespace MlNetFineTune.Tasks;

/// <summary>Sums of exact matches and F1, of rows with an answer and of rows without.</summary>
internal sealed class AnswerCounts
{
    private readonly (double ExactMatch, double F1, long Rows)[] _sums = new (double, double, long)[2]; // without, with an answer

    public Means All => new(Sum(row => row.ExactMatch) / Rows, Sum(row => row.F1) / Rows, Rows);

    public Means WithAnswer => MeansOf(1);

    public Means WithoutAnswer => MeansOf(0);

    private long Rows => _sums[0].Rows + _sums[1].Rows;

    /// <summary>Adds a row.</summary>
    /// <param name="predicted">The predicted answer; empty for none.</param>
    /// <param name="answers">Acceptable answers; none if there is no answer.</param>
    /// <returns>F1 of the row.</returns>
    public double Add(string predicted, IReadOnlyList<string> answers)
    {
        var (exactMatch, f1) = AnswerText.Compare(predicted, answers);
        ref var sums = ref _sums[answers.Count > 0 ? 1 : 0];
        sums = (sums.ExactMatch + exactMatch, sums.F1 + f1, sums.Rows + 1);
        return f1;
    }

    private Means MeansOf(int kind)
    {
        var (exactMatch, f1, rows) = _sums[kind];
        return new(exactMatch / rows, f1 / rows, rows);
    }

    private double Sum(Func<(double ExactMatch, double F1, long Rows), double> value) => _sums.Sum(value);

    /// <summary>Means over rows; NaN without rows.</summary>
    public readonly record struct Means(double ExactMatch, double F1, long Rows);
}
