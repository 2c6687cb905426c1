using System.Globalization;
using System.Text;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>A plan in words: which parameters train in which epochs, and how fast.</summary>
internal static class PlanDescription
{
    private const int NamesShown = 4;

    /// <param name="plan">For this network.</param>
    /// <param name="network">With its adapters.</param>
    /// <param name="learningRate">Of the head, before the schedule.</param>
    /// <param name="batchNorm">As the options have it.</param>
    public static string Of(TrainingPlan plan, TrainableNetwork network, double learningRate, BatchNormMode batchNorm)
    {
        var text = new StringBuilder();
        var all = network.Parameters().ToLookup(parameter => parameter.Stage);
        var first = 1;
        foreach (var part in plan.Parts)
        {
            var (trained, total) = (Count(all.SelectMany(stage => stage).Where(parameter => part.ScaleOf(parameter) > 0)), Count(all.SelectMany(stage => stage)));
            text.AppendLine(Invariant($"Epochs {first} to {first + part.Epochs - 1}: {trained:N0} of {total:N0} parameters train ({100.0 * trained / total:0.#} %){(part.Augments ? "" : ", without augmentation")}{(part.BatchNormOf(network, batchNorm) == BatchNormMode.Frozen ? ", statistics of BatchNorm as they are" : "")}"));
            for (var stage = 0; stage <= network.Stages.Count; stage++)
                text.AppendLine(Line(stage < network.Stages.Count ? network.Stages[stage] : "head", [.. all[stage]], part, learningRate));
            first += part.Epochs;
        }
        return text.ToString();
    }

    private static string Line(string stage, IReadOnlyList<NetworkParameter> parameters, PlanPart part, double learningRate)
    {
        var trained = parameters.Where(parameter => part.ScaleOf(parameter) > 0).ToList();
        if (trained.Count == 0)
            return $"  {stage,-16} frozen";
        var rates = trained.Select(parameter => part.ScaleOf(parameter)).Distinct().Order().Select(scale => Invariant($"{scale * learningRate:0.###e+0}"));
        var names = trained.Count == parameters.Count ? "all"
            : string.Join(", ", trained.Take(NamesShown).Select(parameter => parameter.Name)) + (trained.Count > NamesShown ? $" and {trained.Count - NamesShown} more" : "");
        return Invariant($"  {stage,-16} {Count(trained),12:N0} at learning rate {string.Join(", ", rates)}: {names}");
    }

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
