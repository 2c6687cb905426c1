using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// A strategy resolved for a network, as data: trained parameters, epochs and learning rates. Training, logs, reports and checkpoints use
/// only this.
/// </summary>
/// <param name="Phases">The phases in order, at least one.</param>
internal sealed record TrainingPlan(IReadOnlyList<PlannedPhase> Phases)
{
    /// <summary>Number of stages from the input on that are never trained.</summary>
    public int FrozenStages => Phases.Min(phase => phase.FrozenStages);

    /// <summary>Whether a parameter is trained in any phase.</summary>
    public bool Trains(string parameter) => Phases.Any(phase => phase.ScaleOf(parameter) > 0);

    /// <summary>The tensors that change in any phase. The network keeps ownership.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(FineTunedNetwork network)
    {
        var names = Phases.SelectMany(phase => phase.ChangingTensors(network)).Select(named => named.Name)
            .ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors().Where(named => names.Contains(named.Name))];
    }
}

/// <summary>
/// A phase: epochs in which the same parameters are trained, with one run of the learning rate schedule and a new optimizer state.
/// </summary>
/// <param name="FirstEpoch">The first epoch, from 1.</param>
/// <param name="Epochs">Number of epochs, at least 1.</param>
/// <param name="LearningRateScales">Factor of the learning rate of each parameter, by name; 0 for frozen ones.</param>
/// <param name="FrozenStages">Number of stages from the input on that are not trained.</param>
/// <param name="Augments">Whether the augmentation of the options applies.</param>
/// <param name="BatchNorm">Mode of BatchNorm in trained stages; never <see cref="BatchNormMode.ByStrategy"/>.</param>
internal sealed record PlannedPhase(
    int FirstEpoch, int Epochs, IReadOnlyDictionary<string, float> LearningRateScales, int FrozenStages, bool Augments,
    BatchNormMode BatchNorm)
{
    /// <summary>Whether the features of pairs of rows are trained, by the contrastive loss; such epochs are not validated.</summary>
    public bool TrainsPairs { get; init; }

    public int LastEpoch => FirstEpoch + Epochs - 1;

    public float ScaleOf(string parameter) => LearningRateScales[parameter];

    /// <summary>
    /// The tensors that the phase changes: trained parameters, and running statistics from its lowest stage on. The network keeps
    /// ownership.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(FineTunedNetwork network) =>
        [.. network.NamedTensors().Where(named =>
            network.StageOf(named.Name) >= FrozenStages && LearningRateScales.GetValueOrDefault(named.Name, 1) != 0)];
}
