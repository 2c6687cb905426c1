namespace MlNetFineTune.Tasks;

/// <summary>
/// A decision threshold and its results on the rows of the tuning. A row is predicted as positive if its score is above it.
/// </summary>
/// <param name="Threshold">The threshold, in units of the score.</param>
/// <param name="Value">
/// Value of the criterion: F1, Youden's J, accuracy, recall at a target precision, or precision at a target recall.
/// </param>
/// <param name="Counts">The confusion matrix.</param>
internal readonly record struct TunedThreshold(float Threshold, double Value, BinaryCounts Counts);

/// <summary>
/// Finds the best threshold for a <see cref="DecisionThreshold"/> on validation rows. It lies midway between the scores of the last rows
/// above it and the first below it; if all rows are above, just below the lowest score; if none is, at the highest. Among equally good
/// thresholds the highest is taken. A threshold tuned on few rows overfits; <see cref="TunedThreshold.Counts"/> has their number.
/// </summary>
internal static class ThresholdTuning
{
    /// <param name="criterion">The criterion that the threshold maximises.</param>
    /// <param name="scores">Logits or probabilities; rows with a NaN score are excluded.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <returns>Null if all rows have the same class, or no threshold reaches the target.</returns>
    public static TunedThreshold? Of(DecisionThreshold criterion, ReadOnlySpan<float> scores, ReadOnlySpan<bool> labels)
    {
        var ranking = ScoreRanking.Of(scores, labels);
        if (!ranking.HasBoth)
            return null;
        var noneIsPositive = ranking.CountsAt(default);
        TunedThreshold? best = criterion.ValueOf(noneIsPositive) is { } value ? new(ranking.Cuts[0].Score, value, noneIsPositive) : null;
        for (var i = 0; i < ranking.Cuts.Count; i++)
        {
            var counts = ranking.CountsAt(ranking.Cuts[i]);
            if (criterion.ValueOf(counts) is { } tried && !(tried <= best?.Value))
                best = new(Below(ranking.Cuts, i), tried, counts);
        }
        return best;
    }

    /// <summary>Tunes the threshold of each label of a multi-label model separately.</summary>
    /// <param name="criterion">The criterion that the threshold maximises.</param>
    /// <param name="scores">[rows, labels] in row-major order.</param>
    /// <param name="labels">[rows, labels] in row-major order: whether each row has each label.</param>
    /// <param name="labelCount">Number of labels.</param>
    /// <returns>One per label; null if <see cref="Of"/> returns null.</returns>
    public static TunedThreshold?[] OfEachLabel(
        DecisionThreshold criterion, ReadOnlySpan<float> scores, ReadOnlySpan<bool> labels, int labelCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(labelCount);
        if (scores.Length != labels.Length || scores.Length % labelCount != 0)
            throw new ArgumentException($"{scores.Length} scores and {labels.Length} labels are no rows of {labelCount} labels.");
        var thresholds = new TunedThreshold?[labelCount];
        var (ofLabel, isThere) = (new float[scores.Length / labelCount], new bool[scores.Length / labelCount]);
        for (var label = 0; label < labelCount; label++)
        {
            for (var row = 0; row < ofLabel.Length; row++)
                (ofLabel[row], isThere[row]) = (scores[row * labelCount + label], labels[row * labelCount + label]);
            thresholds[label] = Of(criterion, ofLabel, isThere);
        }
        return thresholds;
    }

    // Below the score of the cut and at least the next score, also after rounding.
    private static float Below(IReadOnlyList<ScoreCut> cuts, int index)
    {
        var last = cuts[index].Score;
        if (index + 1 == cuts.Count)
            return float.BitDecrement(last);
        var next = cuts[index + 1].Score;
        var middle = (float)(next + ((double)last - next) / 2);
        return middle < last && middle >= next ? middle : next;
    }
}
