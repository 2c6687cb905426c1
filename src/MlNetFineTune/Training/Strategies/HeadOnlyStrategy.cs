namespace MlNetFineTune.Training;

internal sealed record HeadOnlyStrategy : Strategy
{
    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
        PlanRules.Trains(stages.Count, 0, 1, epochs);

    public override string ToString() => nameof(HeadOnly);
}
