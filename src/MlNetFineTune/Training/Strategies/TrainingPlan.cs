using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A strategy applied to a network, as data: what trains in which epochs at which rate.
/// All that training, logs, reports and checkpoints know of a strategy.</summary>
/// <param name="Phases">One after another; at least one.</param>
internal sealed record TrainingPlan(IReadOnlyList<PlannedPhase> Phases)
{
    /// <summary>The stages from the input on in which nothing ever trains.</summary>
    public int FrozenStages => Phases.Min(phase => phase.FrozenStages);

    /// <summary>Whether a parameter trains in any phase.</summary>
    public bool Trains(string parameter) => Phases.Any(phase => phase.ScaleOf(parameter) > 0);

    /// <summary>The parameters that train in any phase. The network keeps ownership of them.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(FineTunedNetwork network)
    {
        var names = Phases.SelectMany(phase => phase.ChangingTensors(network)).Select(named => named.Name)
            .ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors().Where(named => names.Contains(named.Name))];
    }
}

/// <summary>Epochs in which the same parameters train. The schedule of the learning rate runs once through them,
/// and the optimizer begins afresh.</summary>
/// <param name="FirstEpoch">From 1.</param>
/// <param name="Epochs">At least 1.</param>
/// <param name="LearningRateScales">Each parameter's factor of the learning rate, by name; 0 where it is frozen.</param>
/// <param name="FrozenStages">The stages from the input on in which nothing trains.</param>
/// <param name="Augments">Whether the rows are changed at random, if the options say so.</param>
/// <param name="BatchNorm">What BatchNorm does where it trains: never <see cref="BatchNormMode.ByStrategy"/>.</param>
internal sealed record PlannedPhase(
    int FirstEpoch, int Epochs, IReadOnlyDictionary<string, float> LearningRateScales, int FrozenStages, bool Augments,
    BatchNormMode BatchNorm)
{
    public int LastEpoch => FirstEpoch + Epochs - 1;

    public float ScaleOf(string parameter) => LearningRateScales[parameter];

    /// <summary>What the phase changes: what trains, and the running statistics from its lowest stage on.
    /// They stay the network's.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(FineTunedNetwork network) =>
        [.. network.NamedTensors().Where(named =>
            network.StageOf(named.Name) >= FrozenStages && LearningRateScales.GetValueOrDefault(named.Name, 1) != 0)];
}
