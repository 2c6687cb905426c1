namespace MlNetFineTune.Tasks;

internal sealed record NoClassWeights : ClassWeights
{
    public override string ToString() => nameof(None);

    internal override float[]? Resolve(IReadOnlyList<string> classes, float[] labels) => null;
}
