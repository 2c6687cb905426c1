using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>
/// Activation checkpointing (Chen et al. 2016, section 4.1, https://arxiv.org/abs/1604.06174): for each stage except the last only the
/// input is stored, and the stage is recomputed in the backward pass. The backward pass runs stage by stage in plain calls on the caller's
/// thread, without custom autograd functions: TorchSharp 0.107 calls those from native code, through which exceptions cannot pass, and
/// allocates for each an empty tensor of its output's size; its <c>autograd.grad</c> does not handle errors either. Gradients are
/// bit-identical to those without checkpointing on one CPU, except if a stage begins with an average (MobileNetV3's last): libtorch gives
/// the gradient of a leaf the layout of the leaf, so that the stage below sums in another order.
/// </summary>
/// <param name="network">The network in training mode.</param>
/// <param name="first">The first stage that a step runs.</param>
/// <param name="frozen">Number of the lowest stages that are not trained: of those that a step runs, nothing is stored.</param>
/// <param name="seed">Seed of the training.</param>
/// <param name="forwardFrom">The forward pass from a stage on, which takes the inputs, the stage and the number of the batch.</param>
internal sealed class CheckpointedStages(
    FineTunedNetwork network, int first, int frozen, long seed, Func<ModelInputs, int, int, Tensor> forwardFrom) : StagePass
{
    private readonly ILookup<int, Tensor> _buffers = network.NamedTensors().Where(named => named.Tensor is not Parameter)
        .ToLookup(named => network.StageOf(named.Name), named => named.Tensor);
    private readonly Stack<StageInput> _kept = [];
    private Tensor? _last; // input of the last stage
    private int _batch;
    private ModelInputs? _inputs; // inputs of the step, owned by the caller

    /// <summary>Number of stages whose input is stored.</summary>
    public int Kept => _kept.Count;

    private int LastStage => network.Stages.Count - 1;

    public override Tensor Forward(ModelInputs inputs, int batch)
    {
        (_inputs, _batch, _last) = (inputs, batch, null);
        _kept.Clear();
        var current = inputs.Activations.alias();
        using (no_grad())
        {
            for (var stage = first; stage < LastStage; stage++)
            {
                var input = current;
                if (stage >= frozen)
                    _kept.Push(new StageInput(stage, input, [.. _buffers[stage].Select(buffer => buffer.clone())]));
                current = network.ForwardStageInTraining(inputs.With(input), stage, seed, batch);
                if (stage < frozen)
                    input.Dispose();
            }
        }
        if (_kept.Count > 0)
            _last = current = current.detach().requires_grad_();
        return forwardFrom(inputs.With(current), Math.Max(first, LastStage), batch);
    }

    public override void Backward(Action<int>? completed = null)
    {
        completed?.Invoke(Math.Max(first, LastStage));
        var gradient = _last?.grad;
        while (gradient is not null && _kept.TryPop(out var kept))
        {
            using var scope = NewDisposeScope();
            gradient = Backward(kept, gradient)?.MoveToOuterDisposeScope();
            completed?.Invoke(kept.Stage);
        }
    }

    /// <returns>The gradient of the stage's input; null if nothing below needs or receives it.</returns>
    private Tensor? Backward(StageInput kept, Tensor gradient)
    {
        using var input = kept.Input.detach().requires_grad_(_kept.Count > 0);
        // The recomputation starts from the state before the first run, so that running statistics are updated only once.
        using (no_grad())
        {
            foreach (var (buffer, before) in _buffers[kept.Stage].Zip(kept.Buffers))
                buffer.copy_(before);
        }
        var output = Again(kept.Stage, input, gradient);
        if (!output.requires_grad)
            return null; // a custom layer detaches its input
        output.backward([gradient]);
        network.CheckBackward();
        gradient.Dispose();
        kept.Dispose();
        return input.grad;
    }

    private Tensor Again(int stage, Tensor input, Tensor gradient)
    {
        Tensor output;
        try
        {
            output = network.ForwardStageInTraining(_inputs!.With(input), stage, seed, _batch);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException
            || (e is ExternalException && !e.Message.Contains("memory", StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidOperationException(
                $"Stage '{network.Stages[stage]}' of {network.Name} ran, and failed when ActivationCheckpointing ran it a second time: "
                + $"{e.Message}", e);
        }
        return output.shape.SequenceEqual(gradient.shape) ? output : throw new InvalidOperationException(
            $"Stage '{network.Stages[stage]}' of {network.Name} gave [{string.Join(", ", gradient.shape)}], "
                + $"and [{string.Join(", ", output.shape)}] when ActivationCheckpointing ran it a second time with the same input. "
                + "What it computes must not depend on how often it ran.");
    }

    private sealed record StageInput(int Stage, Tensor Input, Tensor[] Buffers) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            foreach (var buffer in Buffers)
                buffer.Dispose();
        }
    }
}
