using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Epochs in which the same parameters train. The schedule of the learning rate runs once through them, and the optimizer begins afresh.</summary>
/// <param name="Epochs">At least 1.</param>
/// <param name="ScaleOf">A parameter's factor of the learning rate; 0 where it is frozen.</param>
internal sealed record PlanPart(int Epochs, Func<NetworkParameter, float> ScaleOf)
{
    /// <summary>Whether the rows are changed at random, if the options say so; else what is frozen need be computed but once.</summary>
    public bool Augments { get; init; } = true;

    /// <summary>Whether BatchNorm stays with the pretrained statistics, where there are any and the options do not say what it does.</summary>
    public bool KeepsStatistics { get; init; }

    /// <summary>What BatchNorm does where it trains: never <see cref="BatchNormMode.ByStrategy"/>.</summary>
    public BatchNormMode BatchNormOf(TrainableNetwork network, BatchNormMode chosen) =>
        chosen != BatchNormMode.ByStrategy ? chosen : KeepsStatistics && network.HasPretrainedStatistics ? BatchNormMode.Frozen : BatchNormMode.Train;

    /// <summary>The last stages train and the head; each stage learns slower than the one above.</summary>
    public static PlanPart Of(int stages, int trained, float layerDecay, int epochs) =>
        new(epochs, parameter => parameter.Stage < stages - trained ? 0 : MathF.Pow(layerDecay, stages - parameter.Stage));

    /// <summary>What the part changes: what trains, and the running statistics from its lowest stage on. They stay the network's.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(TrainableNetwork network)
    {
        var first = FrozenStages(network);
        var frozen = network.Parameters().Where(parameter => ScaleOf(parameter) == 0).Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors().Where(named => network.StageOf(named.Name) >= first && !frozen.Contains(named.Name))];
    }

    /// <summary>The stages from the input on in which nothing trains.</summary>
    public int FrozenStages(TrainableNetwork network) => network.Parameters().Where(parameter => ScaleOf(parameter) > 0).Select(parameter => parameter.Stage).DefaultIfEmpty(network.Stages.Count).Min();
}
