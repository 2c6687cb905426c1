using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>Adapts a plan to a changed network.</summary>
internal static class ChangedPlan
{
    /// <summary>New layers are treated like the head: they are always trained, at the full learning rate.</summary>
    public static PlanRules WithFreshLayers(PlanRules plan, FineTunedNetwork network)
    {
        var fresh = network.FreshStages;
        return fresh.Count == 0 ? plan : plan.Scaled((inner, parameter) => fresh.Contains(parameter.Stage) ? 1 : inner(parameter));
    }

    /// <summary>Adapters are trained instead of their layers' weights, and nothing else of the pretrained network is trained.</summary>
    /// <param name="plan">The plan for the network without adapters.</param>
    /// <param name="network">The network with its adapters.</param>
    /// <param name="hosts">The layer's weight by the name of the adapter's parameter.</param>
    public static PlanRules WithAdapters(PlanRules plan, FineTunedNetwork network, IReadOnlyDictionary<string, NetworkParameter> hosts)
    {
        var head = network.Stages.Count;
        var frozen = plan.Scaled((inner, parameter) => hosts.TryGetValue(parameter.Name, out var host) ? inner(host) : parameter.Stage
            == head ? inner(parameter) : 0);
        return WithFreshLayers(frozen, network);
    }
}
