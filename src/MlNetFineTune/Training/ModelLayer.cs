using System.Text.Json.Serialization;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>A stage or the head of a fine-tuned network, as used by strategies, and whether it was trained.</summary>
/// <param name="Name">Name of the stage, as in <see cref="Backbone.Stages"/>, or <c>head</c>.</param>
/// <param name="Parameters">Number of parameters of the layer, including those of adapters. At least 0.</param>
/// <param name="TrainedParameters">
/// Number of parameters that were trained in any epoch; 0 if the layer was frozen. Null if it is not known, for a model file of an earlier
/// version of this library.
/// </param>
/// <param name="LearningRates">
/// Their learning rates, before the schedule, in ascending order: usually one, several if they differ between parameters or phases. Empty
/// if nothing was trained or if it is not known.
/// </param>
public sealed record ModelLayer(string Name, long Parameters, long? TrainedParameters, IReadOnlyList<float> LearningRates)
{
    /// <summary>Whether the layer was frozen; null if it is not known.</summary>
    [JsonIgnore]
    public bool? IsFrozen => TrainedParameters is { } trained ? trained == 0 : null;

    /// <summary>Text for logs, in the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name}: {Parameters:N0} parameters, ") + TrainedParameters switch
    {
        null => "not known whether it trained",
        0 => "frozen",
        var trained when trained == Parameters => $"trained at {Rates}",
        var trained => FormattableString.Invariant($"{trained:N0} of them trained at {Rates}"),
    };

    /// <summary>The learning rates as text; empty if there are none.</summary>
    internal string Rates => string.Join(", ", LearningRates.Select(rate => FormattableString.Invariant($"{rate:0.###e+0}")));

    /// <summary>The layers of a network that was trained by a plan.</summary>
    /// <param name="plan">Plan for the network.</param>
    /// <param name="network">The network with its adapters.</param>
    /// <param name="learningRate">Learning rate of the head, before the schedule.</param>
    internal static IReadOnlyList<ModelLayer> Of(TrainingPlan plan, FineTunedNetwork network, float learningRate) =>
        Of(network, parameters =>
        {
            var trained = parameters.Where(parameter => plan.Trains(parameter.Name)).ToList();
            var rates = trained.SelectMany(parameter => plan.Phases.Select(phase => phase.ScaleOf(parameter.Name)))
                .Where(scale => scale > 0).Distinct().Order().Select(scale => scale * learningRate);
            return (Count(trained), [.. rates]);
        });

    /// <summary>The layers of a network whose training is not known.</summary>
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
