using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>Adapts a plan to a changed network.</summary>
internal static class ChangedPlan
{
    /// <summary>Layers that begin anew have as much to learn as the head: like it they always train, at the full learning rate.</summary>
    public static PlanRules WithFreshLayers(PlanRules plan, FineTunedNetwork network)
    {
        var fresh = network.FreshStages;
        return fresh.Count == 0 ? plan : plan.Scaled((inner, parameter) => fresh.Contains(parameter.Stage) ? 1 : inner(parameter));
    }

    /// <summary>Where adapters are, they train in the place of their layers' weights,
    /// and nothing else of the pretrained network does.</summary>
    /// <param name="plan">For the network without adapters.</param>
    /// <param name="network">With its adapters.</param>
    /// <param name="hosts">The weight of the layer, by the name of the adapter's parameter.</param>
    public static PlanRules WithAdapters(PlanRules plan, FineTunedNetwork network, IReadOnlyDictionary<string, NetworkParameter> hosts)
    {
        var head = network.Stages.Count;
        var frozen = plan.Scaled((inner, parameter) => hosts.TryGetValue(parameter.Name, out var host) ? inner(host) : parameter.Stage
            == head ? inner(parameter) : 0);
        return WithFreshLayers(frozen, network);
    }
}
