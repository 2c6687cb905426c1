using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>Applies a plan to a network: what is frozen takes no gradient, what trains is grouped by learning rate and decay.</summary>
internal static class ParameterGroups
{
    /// <summary>Weights decay, biases and normalisation do not (He et al. 2018, section 3.1, https://arxiv.org/abs/1812.01187); the network knows which is which.</summary>
    public static IReadOnlyList<ParameterGroup> Apply(TrainingPlan plan, TrainableNetwork network)
    {
        var groups = new List<ParameterGroup>();
        var byStage = network.NamedParameters().ToLookup(named => network.StageOf(named.Name));
        for (var stage = 0; stage < plan.StageScales.Count; stage++)
        {
            foreach (var (_, parameter) in byStage[stage])
                parameter.requires_grad = stage >= plan.FrozenStages;
            if (stage >= plan.FrozenStages)
                Add(byStage[stage], plan.StageScales[stage]);
        }
        Add(byStage[plan.StageScales.Count], 1); // the head
        return groups;

        void Add(IEnumerable<(string Name, Parameter Parameter)> parameters, float scale)
        {
            foreach (var group in parameters.GroupBy(named => network.Decays(named.Name, named.Parameter), named => named.Parameter))
                groups.Add(new ParameterGroup([.. group], scale, group.Key));
        }
    }
}
