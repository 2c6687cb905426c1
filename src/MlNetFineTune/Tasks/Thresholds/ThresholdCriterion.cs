using MlNetFineTune.Primitives;



namespace MlNetFineTune.Tasks;

/// <summary>What a decision threshold is chosen by; see <see cref="ThresholdTuning"/>.</summary>
internal abstract record ThresholdCriterion
{
    private ThresholdCriterion()
    {
    }

    /// <summary>The greatest F1, the harmonic mean of precision and recall: where the positive rows are few and matter.</summary>
    public static ThresholdCriterion F1 { get; } = new GreatestF1();

    /// <summary>The greatest recall + specificity - 1 (Youden 1950, "Index for rating diagnostic tests"; also called informedness): where
    /// both kinds matter alike, however many rows there are of each.</summary>
    public static ThresholdCriterion YoudenJ { get; } = new GreatestYoudenJ();

    /// <summary>The greatest share of rows that are right.</summary>
    public static ThresholdCriterion Accuracy { get; } = new GreatestAccuracy();

    /// <summary>The greatest recall with at least this precision.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static ThresholdCriterion Precision(float target) => new LeastPrecision(target);

    /// <summary>The greatest precision with at least this recall.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static ThresholdCriterion Recall(float target) => new LeastRecall(target);

    /// <summary>More is better; null where the counts are not allowed. Equal ratios of whole numbers give equal values.</summary>
    internal abstract double? ValueOf(BinaryCounts counts);

    private static float Check(float target) => target is > 0 and <= 1
        ? target
        : throw new ArgumentOutOfRangeException(nameof(target), target, "The target must be above 0 and at most 1.");

    private sealed record GreatestF1 : ThresholdCriterion
    {
        internal override double? ValueOf(BinaryCounts counts) => counts.F1;

        public override string ToString() => nameof(F1);
    }

    private sealed record GreatestYoudenJ : ThresholdCriterion
    {
        // TP / P - FP / N with one division, after which equal values are equal to the last digit.
        internal override double? ValueOf(BinaryCounts counts)
        {
            var (positives, negatives) = (counts.TruePositives + counts.FalseNegatives, counts.FalsePositives + counts.TrueNegatives);
            return (counts.TruePositives * negatives - counts.FalsePositives * positives) / (positives * negatives);
        }

        public override string ToString() => nameof(YoudenJ);
    }

    private sealed record GreatestAccuracy : ThresholdCriterion
    {
        internal override double? ValueOf(BinaryCounts counts) => counts.Accuracy;

        public override string ToString() => nameof(Accuracy);
    }

    private sealed record LeastPrecision : ThresholdCriterion
    {
        public LeastPrecision(float target) => Target = Check(target);

        public float Target { get; }

        internal override double? ValueOf(BinaryCounts counts) => counts.Precision >= ExactDouble.Of(Target) ? counts.Recall : null;

        public override string ToString() => FormattableString.Invariant($"Precision({Target})");
    }

    private sealed record LeastRecall : ThresholdCriterion
    {
        public LeastRecall(float target) => Target = Check(target);

        public float Target { get; }

        internal override double? ValueOf(BinaryCounts counts) => counts.Recall >= ExactDouble.Of(Target) ? counts.Precision : null;

        public override string ToString() => FormattableString.Invariant($"Recall({Target})");
    }
}
