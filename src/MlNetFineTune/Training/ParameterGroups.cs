using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>Applies a plan to a network: what is frozen takes no gradient, what trains is grouped by learning rate and decay.</summary>
internal static class ParameterGroups
{
    /// <summary>Weights decay, biases and normalisation do not (He et al. 2018, section 3.1, https://arxiv.org/abs/1812.01187); the network knows which is which.</summary>
    public static IReadOnlyList<ParameterGroup> Apply(TrainingPlan plan, ImageClassifier classifier)
    {
        var groups = new List<ParameterGroup>();
        var byStage = classifier.Backbone.named_parameters().ToLookup(named => classifier.Backbone.StageOf(named.name));
        for (var stage = 0; stage < plan.StageScales.Count; stage++)
        {
            foreach (var (_, parameter) in byStage[stage])
                parameter.requires_grad = stage >= plan.FrozenStages;
            if (stage >= plan.FrozenStages)
                Add(byStage[stage].Select(named => (named.parameter, classifier.Backbone.Decays(named.name, named.parameter))), plan.StageScales[stage]);
        }
        Add([(classifier.Head.weight, true), (classifier.Head.bias, false)], 1);
        return groups;

        void Add(IEnumerable<(Parameter Parameter, bool Decays)> parameters, float scale)
        {
            foreach (var group in parameters.GroupBy(one => one.Decays, one => one.Parameter))
                groups.Add(new ParameterGroup([.. group], scale, group.Key));
        }
    }
}
