using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A strategy applied to a network: what trains, part by part.</summary>
/// <param name="Parts">One after another; at least one.</param>
internal sealed record TrainingPlan(IReadOnlyList<PlanPart> Parts)
{
    public int Epochs => Parts.Sum(part => part.Epochs);

    public int EpochsBefore(PlanPart part) => Parts.TakeWhile(other => !ReferenceEquals(other, part)).Sum(other => other.Epochs);

    /// <summary>What any part changes. They stay the network's.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> ChangingTensors(TrainableNetwork network)
    {
        var names = Parts.SelectMany(part => part.ChangingTensors(network)).Select(named => named.Name).ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors().Where(named => names.Contains(named.Name))];
    }

    /// <summary>The stages from the input on in which nothing ever trains.</summary>
    public int FrozenStages(TrainableNetwork network) => Parts.Min(part => part.FrozenStages(network));

    /// <summary>One part, in which the last stages and the head train; each stage learns slower than the one above.</summary>
    public static TrainingPlan Trains(int stages, int trained, float layerDecay, int epochs) => new([PlanPart.Of(stages, trained, layerDecay, epochs)]);
}
