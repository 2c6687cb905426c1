using System.Globalization;
using System.Text;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>A plan as text: trained parameters, epochs and learning rates.</summary>
internal static class PlanDescription
{
    private const int NamesShown = 4;

    /// <param name="plan">The plan, resolved for this network.</param>
    /// <param name="network">The network with its adapters.</param>
    /// <param name="learningRate">Learning rate of the head, before the schedule.</param>
    public static string Of(TrainingPlan plan, FineTunedNetwork network, double learningRate)
    {
        var text = new StringBuilder();
        var all = network.Parameters().ToLookup(parameter => parameter.Stage);
        foreach (var phase in plan.Phases)
        {
            var (trained, total) = (Count(all.SelectMany(stage => stage).Where(parameter => phase.ScaleOf(parameter.Name) > 0)),
                Count(all.SelectMany(stage => stage)));
            text.Append(Invariant($"Epochs {phase.FirstEpoch} to {phase.LastEpoch}: {trained:N0} of {total:N0} parameters train "))
                .Append(Invariant($"({100.0 * trained / total:0.#} %)"))
                .Append(phase.TrainsPairs ? ", on pairs of rows" : "")
                .Append(phase.Augments ? "" : ", without augmentation")
                .AppendLine(phase.BatchNorm == BatchNormMode.Frozen ? ", statistics of BatchNorm as they are" : "");
            for (var stage = 0; stage <= network.Stages.Count; stage++)
                text.AppendLine(Line(stage < network.Stages.Count ? network.Stages[stage] : "head", [.. all[stage]], phase, learningRate));
        }
        return text.ToString();
    }

    private static string Line(string stage, IReadOnlyList<NetworkParameter> parameters, PlannedPhase phase, double learningRate)
    {
        var trained = parameters.Where(parameter => phase.ScaleOf(parameter.Name) > 0).ToList();
        if (trained.Count == 0)
            return $"  {stage,-16} frozen";
        var rates = trained.Select(parameter => phase.ScaleOf(parameter.Name)).Distinct().Order()
            .Select(scale => Invariant($"{scale * learningRate:0.###e+0}"));
        var names = trained.Count == parameters.Count ? "all"
            : string.Join(", ", trained.Take(NamesShown).Select(parameter => parameter.Name))
                + (trained.Count > NamesShown ? $" and {trained.Count - NamesShown} more" : "");
        return Invariant($"  {stage,-16} {Count(trained),12:N0} at learning rate {string.Join(", ", rates)}: {names}");
    }

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
