using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>A strategy resolved for the stages of a network, before the network exists.</summary>
/// <param name="Phases">The phases in order, at least one.</param>
internal sealed record PlanRules(IReadOnlyList<PhaseRule> Phases)
{
    /// <summary>One phase that trains the head and the last stages, each with a lower learning rate than the one above.</summary>
    public static PlanRules Trains(int stages, int trained, float layerDecay, int epochs) =>
        new([PhaseRule.Of(stages, trained, layerDecay, epochs)]);

    /// <summary>The rules with other factors.</summary>
    /// <param name="scale">Returns the factor of a parameter from the rule's own factors.</param>
    public PlanRules Scaled(Func<Func<NetworkParameter, float>, NetworkParameter, float> scale) =>
        new([.. Phases.Select(phase => phase with { ScaleOf = parameter => scale(phase.ScaleOf, parameter) })]);

    /// <summary>Evaluates every rule once for every parameter.</summary>
    /// <param name="network">The network with its adapters.</param>
    /// <param name="batchNorm">The mode that the options set.</param>
    public TrainingPlan Resolve(FineTunedNetwork network, BatchNormMode batchNorm = BatchNormMode.ByStrategy)
    {
        var parameters = network.Parameters();
        var phases = new List<PlannedPhase>();
        foreach (var rule in Phases)
        {
            var scales = parameters.ToDictionary(parameter => parameter.Name, rule.ScaleOf, StringComparer.Ordinal);
            var frozen = parameters.Where(parameter => scales[parameter.Name] > 0).Select(parameter => parameter.Stage)
                .DefaultIfEmpty(network.Stages.Count).Min();
            var mode = batchNorm != BatchNormMode.ByStrategy ? batchNorm
                : rule.KeepsStatistics && network.HasPretrainedStatistics ? BatchNormMode.Frozen
                : BatchNormMode.Train;
            phases.Add(new PlannedPhase(phases.Sum(phase => phase.Epochs) + 1, rule.Epochs, scales, frozen, rule.Augments, mode)
            {
                TrainsPairs = rule.TrainsPairs,
            });
        }
        return new TrainingPlan(phases);
    }
}
