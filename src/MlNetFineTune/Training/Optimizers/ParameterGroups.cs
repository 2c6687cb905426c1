using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>
/// Applies a phase of a plan to a network: frozen parameters need no gradient, trained ones are grouped by learning rate and weight decay.
/// </summary>
internal static class ParameterGroups
{
    /// <summary>
    /// Weight decay applies to weights, not to biases and normalisation (He et al. 2018, section 3.1, https://arxiv.org/abs/1812.01187), as
    /// determined by the network.
    /// </summary>
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
