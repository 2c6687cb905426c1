using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>Part of a plan applied to a network: what is frozen takes no gradient,
/// what trains is grouped by learning rate and decay.</summary>
internal static class ParameterGroups
{
    /// <summary>Weights decay, biases and normalisation do not (He et al. 2018, section 3.1, https://arxiv.org/abs/1812.01187);
    /// the network knows which is which.</summary>
    public static IReadOnlyList<ParameterGroup> Apply(PlannedPhase phase, FineTunedNetwork network)
    {
        var parameters = network.Parameters();
        if (!parameters.Any(parameter => phase.ScaleOf(parameter.Name) > 0))
            throw new ArgumentException($"The strategy trains none of the {parameters.Count} parameters of {network.Name}, "
                + $"such as '{parameters[0].Name}': give a factor above 0 to some.");
        foreach (var parameter in parameters)
            parameter.Parameter.requires_grad = phase.ScaleOf(parameter.Name) > 0;
        return [.. parameters
            .Where(parameter => phase.ScaleOf(parameter.Name) > 0)
            .GroupBy(parameter => (Scale: phase.ScaleOf(parameter.Name), parameter.Decays))
            .Select(group => new ParameterGroup([.. group.Select(parameter => parameter.Parameter)], group.Key.Scale, group.Key.Decays))];
    }
}
