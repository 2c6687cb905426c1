namespace MlNetFineTune.Training;

internal sealed record FullStrategy : Strategy
{
    private readonly float _layerDecay;

    public FullStrategy(float layerDecay) => _layerDecay = CheckDecay(layerDecay);

    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
        PlanRules.Trains(stages.Count, stages.Count, _layerDecay, epochs);

    public override string ToString() => FormattableString.Invariant($"Full(layerDecay: {_layerDecay})");
}
