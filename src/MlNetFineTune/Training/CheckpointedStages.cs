using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>
/// Activation checkpointing (Chen et al. 2016, section 4.1, https://arxiv.org/abs/1604.06174): of each stage but the last only the input is
/// kept, and on the way back the stage runs again. The way back is taken stage by stage in plain calls on the caller's thread, without
/// functions of our own within torch's autograd: TorchSharp 0.107 calls those from native code, which no exception passes, and keeps for
/// each an empty tensor of its output's size; and its <c>autograd.grad</c> catches nothing. Gradients are those of the plain run, bit for
/// bit on one CPU, but where a stage begins with an average (MobileNetV3's last): libtorch gives what a leaf gets the layout of the leaf,
/// and the stage below then sums in another order.
/// </summary>
/// <param name="network">In training mode.</param>
/// <param name="first">The lowest stage that trains.</param>
/// <param name="seed">Seed of the training.</param>
internal sealed class CheckpointedStages(FineTunedNetwork network, int first, long seed)
{
    private readonly ILookup<int, Tensor> _buffers = network.NamedTensors().Where(named => named.Tensor is not Parameter)
        .ToLookup(named => network.StageOf(named.Name), named => named.Tensor);
    private readonly Stack<Kept> _kept = [];
    private Tensor? _last; // what the last stage was given
    private int _batch;
    private ModelInputs? _inputs; // the step's, whose tensors stay the caller's

    /// <summary>The way to the outputs. All that is kept for the way back lies in the caller's dispose scope.</summary>
    public Tensor Forward(ModelInputs inputs, int batch)
    {
        (_inputs, _batch, _last) = (inputs, batch, null);
        _kept.Clear();
        var current = inputs.Activations.alias();
        using (no_grad())
        {
            for (var stage = first; stage < network.Stages.Count - 1; stage++)
            {
                _kept.Push(new Kept(stage, current, [.. _buffers[stage].Select(buffer => buffer.clone())]));
                current = network.ForwardStageInTraining(inputs.With(current), stage, seed, batch);
            }
        }
        if (_kept.Count > 0)
            _last = current = current.detach().requires_grad_();
        return network.ForwardInTraining(inputs.With(current), first + _kept.Count, seed, batch);
    }

    /// <summary>The way back below what <c>loss.backward()</c> reached.</summary>
    public void Backward()
    {
        var gradient = _last?.grad;
        while (gradient is not null && _kept.TryPop(out var kept))
        {
            using var scope = NewDisposeScope();
            gradient = Backward(kept, gradient)?.MoveToOuterDisposeScope();
        }
    }

    /// <returns>The gradient of the stage's input; null where nothing below asks for it, or is reached.</returns>
    private Tensor? Backward(Kept kept, Tensor gradient)
    {
        using var input = kept.Input.detach().requires_grad_(_kept.Count > 0);
        // The second run begins where the first began, and so ends where that ended: running statistics move once.
        using (no_grad())
        {
            foreach (var (buffer, before) in _buffers[kept.Stage].Zip(kept.Buffers))
                buffer.copy_(before);
        }
        var output = Again(kept.Stage, input, gradient);
        if (!output.requires_grad)
            return null; // a layer of a user's that detaches
        output.backward([gradient]);
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

    private sealed record Kept(int Stage, Tensor Input, Tensor[] Buffers) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            foreach (var buffer in Buffers)
                buffer.Dispose();
        }
    }
}
