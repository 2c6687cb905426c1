using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Weights of the classes in the training and validation loss: a row of a class with weight 2 counts like two rows. Other metrics are not
/// weighted. A mixed row (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>) has the mean of its class weights, weighted
/// by the label.
/// </summary>
public abstract record ClassWeights
{
    private ClassWeights()
    {
    }

    /// <summary>All weights are 1. The default.</summary>
    public static ClassWeights None { get; } = new NoClassWeights();

    /// <summary>
    /// Weights inversely proportional to the class frequencies: n / (k * count) for n training rows, k classes with rows, and the count of
    /// the class (scikit-learn's <c>balanced</c>).
    /// </summary>
    public static ClassWeights Balanced { get; } = new BalancedClassWeights();

    /// <summary>Weights by class name; 1 for other classes. A name that is not a class fails in <c>Fit</c>.</summary>
    /// <param name="weights">
    /// Names of classes, as in <see cref="FineTuningTransformer.Classes"/>, and their weights, each above 0. "False" and "True" in binary
    /// classification. At least one.
    /// </param>
    /// <exception cref="ArgumentException">There is no weight, or a class has two.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0 and finite.</exception>
    public static ClassWeights Of(params (string Class, float Weight)[] weights) => new NamedClassWeights(weights);

    /// <summary>
    /// One weight per class, in the order of the label's key values; false before true in binary classification. A different number of
    /// classes fails in <c>Fit</c>.
    /// </summary>
    /// <param name="weights">One weight per class, each above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0 and finite.</exception>
    public static ClassWeights Of(params float[] weights) => new OrderedClassWeights(weights);

    /// <exception cref="InvalidOperationException">The weights do not fit the classes.</exception>
    internal virtual void Check(IReadOnlyList<string> classes)
    {
    }

    /// <param name="classes">Names of the classes.</param>
    /// <param name="labels">Class of each training row, from 0.</param>
    /// <returns>One weight per class; null where all are 1.</returns>
    internal abstract float[]? Resolve(IReadOnlyList<string> classes, float[] labels);

    private protected static float CheckWeight(float weight, string what) => weight > 0 && float.IsFinite(weight)
        ? weight
        : throw new ArgumentOutOfRangeException("weights", weight, $"The weight of {what} must be above 0.");

    private sealed record NoClassWeights : ClassWeights
    {
        public override string ToString() => nameof(None);

        internal override float[]? Resolve(IReadOnlyList<string> classes, float[] labels) => null;
    }

    private sealed record BalancedClassWeights : ClassWeights
    {
        public override string ToString() => nameof(Balanced);

        /// <summary>1 for a class without rows, the mean weight of all rows.</summary>
        internal override float[] Resolve(IReadOnlyList<string> classes, float[] labels)
        {
            var counts = new int[classes.Count];
            foreach (var label in labels)
                counts[(int)label]++;
            var present = counts.Count(count => count > 0);
            return Array.ConvertAll(counts, count => count > 0 ? (float)(labels.Length / ((double)present * count)) : 1);
        }
    }

    private sealed record NamedClassWeights : ClassWeights
    {
        private readonly Dictionary<string, float> _weights = new(StringComparer.Ordinal);

        public NamedClassWeights(IReadOnlyList<(string Class, float Weight)> weights)
        {
            ArgumentNullException.ThrowIfNull(weights);
            if (weights.Count == 0)
                throw new ArgumentException("Say the weight of at least one class, or ClassWeights.None.", nameof(weights));
            foreach (var (name, weight) in weights)
            {
                ArgumentNullException.ThrowIfNull(name, nameof(weights));
                if (!_weights.TryAdd(name, CheckWeight(weight, $"class '{name}'")))
                    throw new ArgumentException($"Class '{name}' is there twice.", nameof(weights));
            }
        }

        public override string ToString() =>
            $"Of({string.Join(", ", _weights.Select(pair => FormattableString.Invariant($"{pair.Key}: {pair.Value}")))})";

        internal override void Check(IReadOnlyList<string> classes)
        {
            if (_weights.Keys.FirstOrDefault(name => !classes.Contains(name)) is { } unknown)
            {
                throw new InvalidOperationException(
                    $"ClassWeights: there is no class '{unknown}'; the classes are {SafeText.Several(classes, quoted: true)}.");
            }
        }

        internal override float[] Resolve(IReadOnlyList<string> classes, float[] labels) =>
            [.. classes.Select(name => _weights.GetValueOrDefault(name, 1))];
    }

    private sealed record OrderedClassWeights : ClassWeights
    {
        private readonly float[] _weights;

        public OrderedClassWeights(IReadOnlyList<float> weights)
        {
            ArgumentNullException.ThrowIfNull(weights);
            _weights = [.. weights.Select((weight, index) => CheckWeight(weight, $"class {index}"))];
        }

        public override string ToString() =>
            $"Of({string.Join(", ", _weights.Select(weight => FormattableString.Invariant($"{weight}")))})";

        internal override void Check(IReadOnlyList<string> classes)
        {
            if (_weights.Length != classes.Count)
                throw new InvalidOperationException(
                    $"ClassWeights has {_weights.Length} weights for {classes.Count} classes ({SafeText.Several(classes)}): "
                    + "give one a class, or name the classes.");
        }

        internal override float[] Resolve(IReadOnlyList<string> classes, float[] labels) => [.. _weights];
    }
}
