namespace MlNetFineTune;

/// <summary>
/// Probabilities above which a row has a label, in the predicted labels of a multi-label model. Scores and what is trained know nothing of
/// them. The model file keeps them.
/// </summary>
public abstract record LabelThresholds
{
    private LabelThresholds()
    {
    }

    /// <summary>
    /// For each label the probability that gives the greatest F1 on the validation rows, chosen once the network is trained. It raises the
    /// macro F1, mostly by the rare labels, and may cost micro F1 and Hamming loss. What is chosen on few rows fits their noise. A label
    /// that all validation rows have, or none of them, keeps 0.5, with a warning. Needs validation, on whose rows the thresholds look
    /// better than they are: judge them on test data.
    /// </summary>
    public static LabelThresholds Tuned { get; } = new TunedThresholds();

    /// <summary>The same for all labels.</summary>
    /// <param name="threshold">A probability: 0 up to, not including, 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threshold"/> is out of its range.</exception>
    public static LabelThresholds Fixed(float threshold = 0.5f) => new FixedThresholds(threshold);

    /// <summary>What labels have before anything is tuned.</summary>
    internal abstract float Initial { get; }

    /// <summary>Whether they are chosen on validation rows.</summary>
    internal virtual bool IsTuned => false;

    private sealed record FixedThresholds : LabelThresholds
    {
        public FixedThresholds(float threshold) => Threshold = threshold is >= 0 and < 1
            ? threshold
            : throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "The threshold must be at least 0 and below 1.");

        public float Threshold { get; }

        internal override float Initial => Threshold;

        public override string ToString() => FormattableString.Invariant($"Fixed({Threshold})");
    }

    private sealed record TunedThresholds : LabelThresholds
    {
        internal override float Initial => 0.5f;

        internal override bool IsTuned => true;

        public override string ToString() => nameof(Tuned);
    }
}
