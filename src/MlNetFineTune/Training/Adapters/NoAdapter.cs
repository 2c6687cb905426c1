using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

internal sealed record NoAdapter : Adapter
{
    internal override PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log) =>
        ChangedPlan.WithFreshLayers(plan, network);

    public override string ToString() => nameof(None);
}
