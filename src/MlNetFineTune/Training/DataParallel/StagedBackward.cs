using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// A backward pass that stops between the stages, so that the sum of a stage's gradients over processes goes on while the gradients of
/// the stages below are computed. Activations are detached at the border of each stage, and the gradient of a stage's input is passed to
/// the stage below. The numbers are those of one backward pass. Hooks on parameters, which PyTorch's DistributedDataParallel uses, do not
/// exist in TorchSharp 0.107.
/// </summary>
/// <param name="network">The network in training mode, which runs in stages.</param>
/// <param name="first">The first stage that a step runs.</param>
/// <param name="frozen">Number of the lowest stages that are not trained.</param>
/// <param name="seed">Seed of the training.</param>
/// <param name="forwardFrom">The forward pass from a stage on, which takes the inputs, the stage and the number of the batch.</param>
internal sealed class StagedBackward(
    FineTunedNetwork network, int first, int frozen, long seed, Func<ModelInputs, int, int, Tensor> forwardFrom) : StagePass
{
    private readonly Stack<StageRun> _runs = [];
    private Tensor? _last; // input of the head

    private int Head => network.Stages.Count;

    public override Tensor Forward(ModelInputs inputs, int batch)
    {
        _runs.Clear();
        _last = null;
        var current = inputs.Activations.alias();
        using (no_grad())
        {
            for (var stage = first; stage < frozen; stage++)
            {
                using var input = current;
                current = network.ForwardStageInTraining(inputs.With(input), stage, seed, batch);
            }
        }
        for (var stage = Math.Max(first, frozen); stage < Head; stage++)
        {
            var input = current.detach().requires_grad_(_runs.Count > 0); // nothing below the lowest trained stage needs a gradient
            current = network.ForwardStageInTraining(inputs.With(input), stage, seed, batch);
            _runs.Push(new StageRun(stage, input, current));
        }
        if (_runs.Count > 0)
            _last = current = current.detach().requires_grad_();
        return forwardFrom(inputs.With(current), Head, batch);
    }

    public override void Backward(Action<int>? completed = null)
    {
        completed?.Invoke(Head);
        var gradient = _last?.grad;
        while (gradient is not null && _runs.TryPop(out var run) && run.Output.requires_grad) // a custom layer may detach its input
        {
            using var scope = NewDisposeScope();
            run.Output.backward([gradient]);
            network.CheckBackward();
            gradient.Dispose();
            gradient = run.Input.grad?.MoveToOuterDisposeScope();
            run.Dispose();
            completed?.Invoke(run.Stage);
        }
    }

    private sealed record StageRun(int Stage, Tensor Input, Tensor Output) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            Output.Dispose();
        }
    }
}
