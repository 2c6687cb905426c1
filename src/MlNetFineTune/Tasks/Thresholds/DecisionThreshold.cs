using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// The probability above which a row is predicted as positive: fixed, or tuned on the validation rows (unweighted) by a criterion. A tuned
/// threshold lies midway between the scores of the last validation rows above it and the first below it; among equally good thresholds the
/// highest is taken. Tuning follows calibration and uses the rows on which the best epoch was selected: evaluate the result on test data.
/// If all validation rows have the same class, or no threshold reaches the target, the threshold stays 0.5 and a warning is logged.
/// </summary>
public abstract record DecisionThreshold
{
    private DecisionThreshold()
    {
    }

    /// <summary>A probability of 0.5, a logit of 0. The default.</summary>
    public static DecisionThreshold Default { get; } = new Given(0.5f);

    /// <summary>
    /// A given probability, for example from costs: cost of a false positive / (cost of a false positive + cost of a false negative).
    /// </summary>
    /// <param name="probability">The threshold. Above 0, below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="probability"/> is out of range.</exception>
    public static DecisionThreshold Fixed(float probability) => new Given(probability);

    /// <summary>Maximises F1, the harmonic mean of precision and recall: for rare positive rows.</summary>
    public static DecisionThreshold F1 { get; } = new GreatestF1();

    /// <summary>
    /// Maximises recall + specificity - 1 (Youden 1950, "Index for rating diagnostic tests"; also called informedness): for classes of
    /// equal importance, independent of their frequencies.
    /// </summary>
    public static DecisionThreshold YoudenJ { get; } = new GreatestYoudenJ();

    /// <summary>Maximises the accuracy.</summary>
    public static DecisionThreshold Accuracy { get; } = new GreatestAccuracy();

    /// <summary>Maximises the recall subject to a minimum precision.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static DecisionThreshold Precision(float target) => new LeastPrecision(target);

    /// <summary>Maximises the precision subject to a minimum recall.</summary>
    /// <param name="target">Above 0, at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="target"/> is out of its range.</exception>
    public static DecisionThreshold Recall(float target) => new LeastRecall(target);

    /// <summary>Whether it is tuned on validation rows.</summary>
    internal virtual bool IsTuned => true;

    /// <summary>The fixed probability, or the initial value of a tuned one.</summary>
    internal virtual float Probability => 0.5f;

    /// <summary>See <see cref="LearningTask.NeedsValidation"/>.</summary>
    internal string? NeedsValidation => IsTuned
        ? $"The decision threshold {this} needs validation: it is tuned on its rows. "
            + "Give one with DecisionThreshold.Fixed, or leave it out."
        : null;

    /// <summary>
    /// The criterion, to be maximised; null if the counts violate a constraint. Equal rational values yield equal results.
    /// </summary>
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
        // TP / P - FP / N with a single division, so that equal values are bit-identical.
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
