namespace MlNetFineTune;

/// <summary>
/// How many times the loss counts where a label of a multi-label model is there, in training and in validation: rare labels are there in
/// few rows, and a network that never gives them is right about nearly all. As <see cref="ClassWeights"/> of single labels, but for each
/// label apart, and for the rows that have it only: a weight of 3 counts a row that has the label as three such rows would, for this label.
/// Metrics and thresholds know nothing of them. Probabilities of a label with a weight above 1 come out larger than its share of rows.
/// </summary>
public abstract record PositiveWeights
{
    private PositiveWeights()
    {
    }

    /// <summary>Labels count alike, there or not.</summary>
    public static PositiveWeights None { get; } = new NoWeights();

    /// <summary>
    /// For each label the training rows without it divided by those with it, within bounds, so that both kinds count alike. 1 for a label
    /// that no row or every row has: there is nothing to balance.
    /// </summary>
    /// <param name="minimum">The least weight. Above 0; 0.01 by default.</param>
    /// <param name="maximum">The greatest weight: a label that one row in a thousand has would otherwise make every step that meets it
    /// a thousand times larger. At least <paramref name="minimum"/>; 100 by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bounds are no positive numbers in their order.</exception>
    public static PositiveWeights Balanced(float minimum = 0.01f, float maximum = 100) => new BalancedWeights(minimum, maximum);

    /// <summary>By name; the others have 1.</summary>
    /// <param name="weights">Names of labels and their weights, above 0.</param>
    /// <exception cref="ArgumentException">A label has two weights.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public static PositiveWeights Of(params (string Label, float Weight)[] weights) => new NamedWeights(weights);

    /// <summary>Weights in the order of the labels.</summary>
    /// <param name="weights">One a label, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public static PositiveWeights Of(params float[] weights) => new OrderedWeights(weights);

    /// <param name="labels">Names.</param>
    /// <param name="positives">Training rows that have each label, by weight.</param>
    /// <param name="rows">All training rows, by weight.</param>
    /// <returns>One a label; null where all are 1.</returns>
    /// <exception cref="InvalidOperationException">These are weights of other labels.</exception>
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
