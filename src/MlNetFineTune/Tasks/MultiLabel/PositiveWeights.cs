namespace MlNetFineTune;

/// <summary>
/// Weights of the positive terms of a multi-label loss (PyTorch's <c>pos_weight</c>), in training and validation, against the imbalance of
/// rare labels. With a weight of 3 for a label, each row that has the label counts like three such rows in this label's loss; rows without
/// the label have weight 1. Metrics and thresholds are not weighted. A weight above 1 increases the predicted probabilities of the label
/// above its frequency.
/// </summary>
public abstract record PositiveWeights
{
    private PositiveWeights()
    {
    }

    /// <summary>All weights are 1. The default.</summary>
    public static PositiveWeights None { get; } = new NoWeights();

    /// <summary>
    /// For each label, the ratio of the training rows without it to those with it, by example weights, clipped to bounds, so that both
    /// classes have the same total weight. 1 for a label that no row or every row has.
    /// </summary>
    /// <param name="minimum">The lower bound. Above 0. Default 0.01.</param>
    /// <param name="maximum">
    /// The upper bound, which limits the gradients of very rare labels. At least <paramref name="minimum"/>. Default 100.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A bound is not above 0 and finite, or <paramref name="maximum"/> is below <paramref name="minimum"/>.
    /// </exception>
    public static PositiveWeights Balanced(float minimum = 0.01f, float maximum = 100) => new BalancedWeights(minimum, maximum);

    /// <summary>Weights by label name; 1 for other labels. A name that is not a label fails in <c>Fit</c>.</summary>
    /// <param name="weights">Names of labels and their weights, each above 0 and finite.</param>
    /// <exception cref="ArgumentException">A label has two weights.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public static PositiveWeights Of(params (string Label, float Weight)[] weights) => new NamedWeights(weights);

    /// <summary>One weight per label, in the order of the labels. A different number of labels fails in <c>Fit</c>.</summary>
    /// <param name="weights">One weight per label, each above 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public static PositiveWeights Of(params float[] weights) => new OrderedWeights(weights);

    /// <param name="labels">Names of the labels.</param>
    /// <param name="positives">Total weight of the training rows with each label.</param>
    /// <param name="rows">Total weight of all training rows.</param>
    /// <returns>One weight per label; null if all are 1.</returns>
    /// <exception cref="InvalidOperationException">The weights do not fit the labels.</exception>
    internal abstract float[]? Resolve(IReadOnlyList<string> labels, IReadOnlyList<double> positives, double rows);

    private static float Check(float weight, string of) => weight > 0 && float.IsFinite(weight)
        ? weight
        : throw new ArgumentOutOfRangeException("weights", weight, $"The weight of {of} must be above 0.");

    private sealed record NoWeights : PositiveWeights
    {
        internal override float[]? Resolve(IReadOnlyList<string> labels, IReadOnlyList<double> positives, double rows) => null;

        public override string ToString() => nameof(None);
    }

    private sealed record BalancedWeights : PositiveWeights
    {
        public BalancedWeights(float minimum, float maximum)
        {
            if (!(minimum > 0 && float.IsFinite(minimum)))
                throw new ArgumentOutOfRangeException(nameof(minimum), minimum, "The least weight must be above 0.");
            if (!(maximum >= minimum && float.IsFinite(maximum)))
                throw new ArgumentOutOfRangeException(nameof(maximum), maximum, "The greatest weight must be at least the least one.");
            (Minimum, Maximum) = (minimum, maximum);
        }

        public float Minimum { get; }

        public float Maximum { get; }

        internal override float[] Resolve(IReadOnlyList<string> labels, IReadOnlyList<double> positives, double rows) =>
            [.. positives.Select(count => count > 0 && count < rows ? Math.Clamp((float)((rows - count) / count), Minimum, Maximum) : 1)];

        public override string ToString() => FormattableString.Invariant($"Balanced({Minimum} to {Maximum})");
    }

    private sealed record NamedWeights : PositiveWeights
    {
        private readonly Dictionary<string, float> _weights = new(StringComparer.Ordinal);

        public NamedWeights(IReadOnlyList<(string Label, float Weight)> weights)
        {
            ArgumentNullException.ThrowIfNull(weights);
            foreach (var (label, weight) in weights)
            {
                ArgumentNullException.ThrowIfNull(label, nameof(weights));
                if (!_weights.TryAdd(label, Check(weight, SafeText.Quoted(label))))
                    throw new ArgumentException($"The label {SafeText.Quoted(label)} has two weights.", nameof(weights));
            }
        }

        internal override float[] Resolve(IReadOnlyList<string> labels, IReadOnlyList<double> positives, double rows)
        {
            var unknown = _weights.Keys.Except(labels, StringComparer.Ordinal).ToArray();
            if (unknown.Length > 0)
            {
                throw new InvalidOperationException($"PositiveWeights names labels that the data do not have: {SafeText.Several(unknown)}. "
                    + $"They have: {SafeText.Several(labels)}.");
            }
            return [.. labels.Select(label => _weights.GetValueOrDefault(label, 1))];
        }

        public bool Equals(NamedWeights? other) =>
            other is not null && _weights.Count == other._weights.Count
            && _weights.All(pair => other._weights.TryGetValue(pair.Key, out var weight) && weight == pair.Value);

        public override int GetHashCode() => _weights.Count;

        public override string ToString() => $"Of({string.Join(", ", _weights.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => FormattableString.Invariant($"{pair.Key}: {pair.Value}")))})";
    }

    private sealed record OrderedWeights : PositiveWeights
    {
        private readonly float[] _weights;

        public OrderedWeights(IReadOnlyList<float> weights)
        {
            ArgumentNullException.ThrowIfNull(weights);
            _weights = [.. weights.Select((weight, index) => Check(weight, $"label {index}"))];
        }

        internal override float[] Resolve(IReadOnlyList<string> labels, IReadOnlyList<double> positives, double rows) =>
            _weights.Length == labels.Count
                ? [.. _weights]
                : throw new InvalidOperationException($"PositiveWeights has {_weights.Length} weights for {labels.Count} labels "
                    + $"({SafeText.Several(labels)}): give one a label, or name the labels.");

        public bool Equals(OrderedWeights? other) => other is not null && _weights.AsSpan().SequenceEqual(other._weights);

        public override int GetHashCode() => _weights.Length;

        public override string ToString() =>
            $"Of({string.Join(", ", _weights.Select(weight => FormattableString.Invariant($"{weight}")))})";
    }
}
