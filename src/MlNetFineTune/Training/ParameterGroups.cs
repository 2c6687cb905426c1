using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>Applies a plan to a network: what is frozen takes no gradient, what trains is grouped by learning rate and decay.</summary>
internal static class ParameterGroups
{
    /// <summary>Weights of two and more dimensions decay, biases and normalisation do not (He et al. 2018, section 3.1, https://arxiv.org/abs/1812.01187).</summary>
    public static IReadOnlyList<ParameterGroup> Apply(TrainingPlan plan, TrainableNetwork network)
    {
        var groups = new List<ParameterGroup>();
        var byStage = network.NamedParameters().ToLookup(named => network.StageOf(named.Name), named => named.Parameter);
        for (var stage = 0; stage < plan.StageScales.Count; stage++)
        {
            foreach (var parameter in byStage[stage])
                parameter.requires_grad = stage >= plan.FrozenStages;
            if (stage >= plan.FrozenStages)
                Add(byStage[stage], plan.StageScales[stage]);
        }
        Add(byStage[plan.StageScales.Count], 1); // the head
        return groups;

        void Add(IEnumerable<Parameter> parameters, float scale)
        {
            foreach (var decays in parameters.GroupBy(parameter => parameter.ndim >= 2))
                groups.Add(new ParameterGroup([.. decays], scale, decays.Key));
        }
    }
}
