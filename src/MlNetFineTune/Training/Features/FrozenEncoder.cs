using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The frozen stages of the trained network.</summary>
/// <param name="network">The network, already frozen.</param>
/// <param name="input">Input of the network.</param>
/// <param name="stages">Number of frozen stages, if they can run separately; otherwise 0.</param>
/// <param name="seed">Seed of the training.</param>
/// <param name="workers">Number of reading threads.</param>
/// <param name="engine">Computes the stages; null for libtorch. Disposed with this object.</param>
internal sealed class FrozenEncoder(
    FineTunedNetwork network, ModelInput input, int stages, long seed, int workers, StageEngine? engine = null)
    : FrozenNetwork(input.CreateCollator(network.Device), network.Device, seed, workers, engine)
{
    /// <summary>Number of stages that <see cref="Forward"/> applies.</summary>
    public int Stages => stages;

    public override string Name => "frozen stages";

    public override bool IsPartOfNetwork => true;

    public override bool Computes => stages > 0 && input.KeepsActivations;

    public override ModelInputs Forward(ModelInputs inputs)
    {
        using var noGradients = no_grad();
        if (stages == 0)
            return inputs;
        using (inputs.Activations)
            return inputs.With(Engine?.Forward(inputs) ?? network.ForwardFirst(inputs, stages));
    }

    /// <summary>Hash of the network's architecture, its input, the number of stages, their tensors, and what computes them.</summary>
    public override ContentHash ComputeIdentity()
    {
        using var scope = NewDisposeScope();
        return EncoderIdentity.Of(Device, $"{network.Computation} {input.Form} {stages}{Arithmetic}",
            network.PlainTensors().Where(named => network.StageOf(named.Name) < stages));
    }

    private string Arithmetic => Engine is { } other ? $" {other.Name}" : network.UsesBFloat16 ? " bfloat16" : "";
}
