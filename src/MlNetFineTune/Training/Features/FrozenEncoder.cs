using Microsoft.ML.Runtime;
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
    /// <summary>
    /// The frozen stages in a training, in its engine: the same in all processes, which fill one cache. To be called in all of them. The
    /// caller disposes the result.
    /// </summary>
    /// <param name="run">The run, whose network is frozen.</param>
    /// <param name="frozenStages">Number of frozen stages.</param>
    public static FrozenEncoder Of(TrainingRun run, int frozenStages)
    {
        var stages = run.Network.RunsAlone(frozenStages) ? frozenStages : 0;
        var engine = stages > 0 && run.Options.FrozenEngine != FrozenEngine.LibTorch ? EngineOf(run, stages) : null;
        try
        {
            return new FrozenEncoder(run.Network, run.Input, stages, run.Seed, run.Options.Workers, engine);
        }
        catch
        {
            engine?.Dispose();
            throw;
        }
    }

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

    private static StageEngine? EngineOf(TrainingRun run, int stages)
    {
        var engine = run.Options.FrozenEngine.Open(run.Network, run.Input, stages, run.Channel);
        try
        {
            if (!run.Processes.Any(engine is null))
                return engine;
            if (engine is not null)
                run.Channel.Warning($"The frozen stages are computed by {StageEngine.LibTorch}: another process cannot use {engine.Name}.");
            engine?.Dispose();
            return null;
        }
        catch
        {
            engine?.Dispose();
            throw;
        }
    }

    private string Arithmetic => Engine is { } other ? $" {other.Name}" : network.Arithmetic;
}
