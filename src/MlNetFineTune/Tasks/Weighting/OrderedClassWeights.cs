namespace MlNetFineTune.Tasks;

internal sealed record OrderedClassWeights : ClassWeights
{
    private readonly float[] _weights;

    public OrderedClassWeights(IReadOnlyList<float> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        _weights = [.. weights.Select((weight, index) => CheckWeight(weight, $"class {index}"))];
    }

    public override string ToString() => $"Of({string.Join(", ", _weights.Select(weight => FormattableString.Invariant($"{weight}")))})";

    internal override void Check(IReadOnlyList<string> classes)
    {
        if (_weights.Length != classes.Count)
            throw new InvalidOperationException(
                $"ClassWeights has {_weights.Length} weights for {classes.Count} classes "
                + $"({string.Join(", ", classes.Take(20).Select(name => SafeText.Of(name)))}{(classes.Count > 20 ? ", ..." : "")}): "
                + "give one a class, or name the classes.");
    }

    internal override float[] Resolve(IReadOnlyList<string> classes, float[] labels) => [.. _weights];
}
