namespace MlNetFineTune.Tasks;

internal sealed record BalancedClassWeights : ClassWeights
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
