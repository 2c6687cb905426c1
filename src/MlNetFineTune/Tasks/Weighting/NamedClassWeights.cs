namespace MlNetFineTune.Tasks;

internal sealed record NamedClassWeights : ClassWeights
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
            var known = string.Join(", ", classes.Take(20).Select(name => SafeText.Quoted(name)))
                + (classes.Count > 20 ? $" and {classes.Count - 20} more" : "");
            throw new InvalidOperationException($"ClassWeights: there is no class '{unknown}'; the classes are {known}.");
        }
    }

    internal override float[] Resolve(IReadOnlyList<string> classes, float[] labels) =>
        [.. classes.Select(name => _weights.GetValueOrDefault(name, 1))];
}
