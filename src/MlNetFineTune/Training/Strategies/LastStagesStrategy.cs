namespace MlNetFineTune.Training;

internal sealed record LastStagesStrategy : Strategy
{
    private readonly int _count;
    private readonly float _layerDecay;

    public LastStagesStrategy(int count, float layerDecay)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (_count, _layerDecay) = (count, CheckDecay(layerDecay));
    }

    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) => _count <= stages.Count
        ? PlanRules.Trains(stages.Count, _count, _layerDecay, epochs)
        : throw new ArgumentException($"Strategy.LastStages({_count}): {network} has {stages.Count} stages: {string.Join(", ", stages)}.");

    public override string ToString() => FormattableString.Invariant($"LastStages({_count}, layerDecay: {_layerDecay})");
}
