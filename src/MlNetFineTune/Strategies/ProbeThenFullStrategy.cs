namespace MlNetFineTune.Strategies;

internal sealed record ProbeThenFullStrategy : Strategy
{
    private readonly float _probe;
    private readonly float _fullRate;
    private readonly float _layerDecay;

    public ProbeThenFullStrategy(float probe, float fullRate, float layerDecay)
    {
        _probe = probe is > 0 and < 1 ? probe : throw new ArgumentOutOfRangeException(nameof(probe), probe, "The probe's share of the epochs must be above 0 and below 1.");
        _fullRate = fullRate > 0 && float.IsFinite(fullRate) ? fullRate : throw new ArgumentOutOfRangeException(nameof(fullRate), fullRate, "The factor of the learning rate must be above 0.");
        _layerDecay = CheckDecay(layerDecay);
    }

    internal override TrainingPlan Resolve(string network, IReadOnlyList<string> stages, int epochs)
    {
        if (epochs < 2)
            throw new ArgumentException($"{this} needs at least 2 epochs: one for the probe, and one for the whole network.");
        var probe = Math.Clamp((int)MathF.Round(epochs * _probe), 1, epochs - 1);
        var full = PlanPart.Of(stages.Count, stages.Count, _layerDecay, epochs - probe);
        return new(
        [
            PlanPart.Of(stages.Count, trained: 0, layerDecay: 1, probe) with { Augments = false },
            full with { KeepsStatistics = true, ScaleOf = parameter => (parameter.Stage < stages.Count ? _fullRate : 1) * full.ScaleOf(parameter) },
        ]);
    }

    public override string ToString() => FormattableString.Invariant($"ProbeThenFull(probe: {_probe}, fullRate: {_fullRate}, layerDecay: {_layerDecay})");
}
