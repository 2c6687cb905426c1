using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Above which probability a row is predicted to be positive: 0.5, a probability that you give, or the one that is best by a criterion on
/// the validation rows, each counted once. A threshold that is tuned lies midway between the scores of the last validation rows that pass
/// and the first that do not; of equally good ones the highest is taken. It is tuned after calibration, on the rows that chose the epoch as
/// well: judge it on test data. Where the validation rows are all of one kind, or none of the thresholds reaches the target, 0.5 stays and
/// a warning says so.
/// </summary>
public abstract record DecisionThreshold
{
    private DecisionThreshold()
    {
    }

    /// <summary>0.5: a logit of 0. The default.</summary>
    public static DecisionThreshold Default { get; } = new Given(0.5f);

    /// <summary>A probability that you choose, such as the ratio of the costs: false positives / (false positives + misses).</summary>
    /// <param name="probability">Above 0, below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="probability"/> is out of its range.</exception>
    public static DecisionThreshold Fixed(float probability) => new Given(probability);

    /// <summary>The greatest F1, the harmonic mean of precision and recall: where the positive rows are few and matter.</summary>
    public static DecisionThreshold F1 { get; } = new GreatestF1();

    /// <summary>The greatest recall + specificity - 1 (Youden 1950, "Index for rating diagnostic tests"; also called informedness): where
    /// both kinds matter alike, however many rows there are of each.</summary>
    public static DecisionThreshold YoudenJ { get; } = new GreatestYoudenJ();

    /// <summary>The greatest share of rows that are right.</summary>
    public static DecisionThreshold Accuracy { get; } = new GreatestAccuracy();

    /// <summary>The greatest recall with at least this precision.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static DecisionThreshold Precision(float target) => new LeastPrecision(target);

    /// <summary>The greatest precision with at least this recall.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static DecisionThreshold Recall(float target) => new LeastRecall(target);

    /// <summary>Whether it is chosen by validation rows.</summary>
    internal virtual bool IsTuned => true;

    /// <summary>What holds where nothing was tuned.</summary>
    internal virtual float Probability => 0.5f;

    /// <summary>See <see cref="LearningTask.NeedsValidation"/>.</summary>
    internal string? NeedsValidation => IsTuned
        ? $"The decision threshold {this} needs validation: it is tuned on its rows. "
            + "Give one with DecisionThreshold.Fixed, or leave it out."
        : null;

    /// <summary>More is better; null where the counts are not allowed. Equal ratios of whole numbers give equal values.</summary>
    internal abstract double? ValueOf(BinaryCounts counts);

    private static float Check(float target) => target is > 0 and <= 1
        ? target
        : throw new ArgumentOutOfRangeException(nameof(target), target, "The target must be above 0 and at most 1.");

    private sealed record Given : DecisionThreshold
    {
        private readonly float _probability;

        public Given(float probability) => _probability = probability is > 0 and < 1
            ? probability
            : throw new ArgumentOutOfRangeException(nameof(probability), probability, "The threshold must be above 0 and below 1.");

        internal override bool IsTuned => false;

        internal override float Probability => _probability;

        internal override double? ValueOf(BinaryCounts counts) => null;

        public override string ToString() => _probability == 0.5f ? nameof(Default) : FormattableString.Invariant($"Fixed({_probability})");
    }

    private sealed record GreatestF1 : DecisionThreshold
    {
        internal override double? ValueOf(BinaryCounts counts) => counts.F1;

        public override string ToString() => nameof(F1);
    }

    private sealed record GreatestYoudenJ : DecisionThreshold
    {
        // TP / P - FP / N with one division, after which equal values are equal to the last digit.
        internal override double? ValueOf(BinaryCounts counts)
        {
            var (positives, negatives) = (counts.TruePositives + counts.FalseNegatives, counts.FalsePositives + counts.TrueNegatives);
            return (counts.TruePositives * negatives - counts.FalsePositives * positives) / (positives * negatives);
        }

        public override string ToString() => nameof(YoudenJ);
    }

    private sealed record GreatestAccuracy : DecisionThreshold
    {
        internal override double? ValueOf(BinaryCounts counts) => counts.Accuracy;

        public override string ToString() => nameof(Accuracy);
    }

    private sealed record LeastPrecision : DecisionThreshold
    {
        public LeastPrecision(float target) => Target = Check(target);

        public float Target { get; }

        internal override double? ValueOf(BinaryCounts counts) => counts.Precision >= ExactDouble.Of(Target) ? counts.Recall : null;

        public override string ToString() => FormattableString.Invariant($"Precision({Target})");
    }

    private sealed record LeastRecall : DecisionThreshold
    {
        public LeastRecall(float target) => Target = Check(target);

        public float Target { get; }

        internal override double? ValueOf(BinaryCounts counts) => counts.Recall >= ExactDouble.Of(Target) ? counts.Precision : null;

        public override string ToString() => FormattableString.Invariant($"Recall({Target})");
    }
}
