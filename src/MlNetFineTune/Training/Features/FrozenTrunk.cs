using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The way from rows to the lowest stage that trains: read, and the frozen stages without gradients.</summary>
/// <param name="network">Frozen already.</param>
/// <param name="stages">The frozen stages, if they can run by themselves.</param>
/// <param name="seed">Of the training.</param>
/// <param name="workers">Threads that read.</param>
internal sealed class FrozenTrunk(TrainableNetwork network, int stages, long seed, int workers) : Trunk(network.CreateIntake(), network.Device, seed, workers)
{
    /// <summary>How many stages are behind what <see cref="Forward"/> gives.</summary>
    public int Stages => stages;

    public override string Name => "frozen stages";

    public override bool Computes => stages > 0;

    public override Tensor Forward(Tensor input)
    {
        using var noGradients = no_grad();
        if (stages == 0)
            return input;
        using (input)
            return network.ForwardFirst(input, stages);
    }

    /// <summary>Of the network's form and preprocessing, how many stages, and their tensors.</summary>
    public override ContentHash ComputeIdentity()
    {
        using var scope = NewDisposeScope();
        return IdentityOf($"{network.Computation} {stages}", network.PlainTensors().Where(named => network.StageOf(named.Name) < stages));
    }
}
