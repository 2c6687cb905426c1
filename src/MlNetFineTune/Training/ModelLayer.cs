using System.Text.Json.Serialization;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>A layer of a fine-tuned network as strategies know it, a stage or the head, and whether it trained.</summary>
/// <param name="Name">Name of the stage, as in <see cref="Backbone.Stages"/>; <c>head</c> for the layers above them.</param>
/// <param name="Parameters">Parameters (single numbers) of the layer, those of adapters included. 0 or above.</param>
/// <param name="TrainedParameters">
/// How many of them trained in any epoch: 0 where the layer was frozen. Null where the model file does not say it, which an earlier
/// version of this library saved.
/// </param>
/// <param name="LearningRates">
/// The learning rates at which they trained, before the schedule, in ascending order: one as a rule, several where parameters or phases
/// have their own. Empty where nothing trained, and where it is not known.
/// </param>
public sealed record ModelLayer(string Name, long Parameters, long? TrainedParameters, IReadOnlyList<float> LearningRates)
{
    /// <summary>Whether nothing of the layer trained; null where the model file does not say it.</summary>
    [JsonIgnore]
    public bool? IsFrozen => TrainedParameters is { } trained ? trained == 0 : null;

    /// <summary>The layer in words, with the same numbers in every culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name}: {Parameters:N0} parameters, ") + TrainedParameters switch
    {
        null => "not known whether it trained",
        0 => "frozen",
        var trained when trained == Parameters => $"trained at {Rates}",
        var trained => FormattableString.Invariant($"{trained:N0} of them trained at {Rates}"),
    };

    /// <summary>The learning rates as text; empty where there are none.</summary>
    internal string Rates => string.Join(", ", LearningRates.Select(rate => FormattableString.Invariant($"{rate:0.###e+0}")));

    /// <summary>The layers of a network that a plan trained.</summary>
    /// <param name="plan">Resolved for the network.</param>
    /// <param name="network">With its adapters.</param>
    /// <param name="learningRate">Learning rate of the head, before the schedule.</param>
    internal static IReadOnlyList<ModelLayer> Of(TrainingPlan plan, FineTunedNetwork network, float learningRate) =>
        Of(network, parameters =>
        {
            var trained = parameters.Where(parameter => plan.Trains(parameter.Name)).ToList();
            var rates = trained.SelectMany(parameter => plan.Phases.Select(phase => phase.ScaleOf(parameter.Name)))
                .Where(scale => scale > 0).Distinct().Order().Select(scale => scale * learningRate);
            return (Count(trained), [.. rates]);
        });

    /// <summary>The layers of a network of whose training nothing is known.</summary>
    internal static IReadOnlyList<ModelLayer> Of(FineTunedNetwork network) => Of(network, _ => (null, []));

    private static ModelLayer[] Of(
        FineTunedNetwork network, Func<IReadOnlyList<NetworkParameter>, (long? Trained, IReadOnlyList<float> Rates)> trainingOf)
    {
        var all = network.Parameters().ToLookup(parameter => parameter.Stage);
        return [.. network.Stages.Append("head").Select((name, stage) =>
        {
            IReadOnlyList<NetworkParameter> parameters = [.. all[stage]];
            var (trained, rates) = trainingOf(parameters);
            return new ModelLayer(name, Count(parameters), trained, rates);
        })];
    }

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());
}
