namespace MlNetFineTune.Training;

internal sealed record FromStageStrategy : Strategy
{
    private readonly string _stage;
    private readonly float _layerDecay;

    public FromStageStrategy(string stage, float layerDecay)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(stage);
        (_stage, _layerDecay) = (stage, CheckDecay(layerDecay));
    }

    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
        stages.Index().FirstOrDefault(stage => stage.Item == _stage) is (var index, not null)
        ? PlanRules.Trains(stages.Count, stages.Count - index, _layerDecay, epochs)
        : throw new ArgumentException($"{this}: {network} has no such stage; it has: {string.Join(", ", stages)}.");

    public override string ToString() => FormattableString.Invariant($"From({_stage}, layerDecay: {_layerDecay})");
}
