namespace MlNetFineTune.Strategies;

internal sealed record HeadOnlyStrategy : Strategy
{
    internal override TrainingPlan Resolve(string network, IReadOnlyList<string> stages) => TrainingPlan.Trains(stages.Count, 0, 1);

    public override string ToString() => nameof(HeadOnly);
}
