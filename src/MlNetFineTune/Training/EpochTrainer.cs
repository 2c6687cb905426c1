using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Trains an epoch batch by batch: forward, loss, backward, and a step of the optimizer when due.</summary>
internal sealed class EpochTrainer(
    TrainingRun run, TrainingPhase phase, RunState state, StopRequest stop, ProgressMeter meter, RunCheckpoints? checkpoints)
{
    private readonly SingleRowBatches _singleRows = new(run);

    /// <summary>Continues from the position in the state.</summary>
    /// <returns>Null if the epoch is complete.</returns>
    public TrainingReport.EndReason? Train(int epoch, EpochOrder order, StepInputs inputs)
    {
        run.Data.RequireReadable(order.Batches.Length);
        run.Network.BeginTraining(phase.FrozenStages, phase.Planned.BatchNorm);
        meter.Begin(TrainingActivity.Training, epoch, order.Batches.Skip(state.BatchesOfEpoch).Sum(batch => batch.Length));
        foreach (var input in inputs.Read(order.Batches, epoch, state.BatchesOfEpoch))
        {
            using (input)
            {
                run.CheckAlive();
                if (stop.IsDue)
                    return stop.End;
                if (_singleRows.MustLeaveOut(input, phase, epoch, order, state.Batches))
                    continue;
                // The step is due now if its last batch had no readable row.
                if (phase.HasPending && order.StepOf[state.BatchesOfEpoch - 1] != order.StepOf[input.Batch])
                    phase.OptimizerStep(LearningRate);

                var learningRate = LearningRate;
                var loss = Backward(input);
                if (order.EndsStep(input.Batch))
                    phase.OptimizerStep(learningRate);
                if (!Account(input, loss, learningRate))
                    return TrainingReport.EndReason.Diverged;
            }
        }
        if (phase.HasPending)
            phase.OptimizerStep(LearningRate);
        _singleRows.RequireProgress(state, epoch);
        state.BatchesOfEpoch = order.Batches.Length;
        return null;
    }

    private double LearningRate => phase.LearningRateAt(phase.Step, state.Epochs);

    /// <returns>The batch's mean loss, which may still be computed on the device.</returns>
    private Tensor Backward(StepInput input)
    {
        using var scope = NewDisposeScope();
        var (network, objective) = (run.Network, run.Objective);
        var targets = objective.TargetsOf(run.Data.Training, input.Rows, input.Mix, network.Device)
            with
        { TeacherLogits = input.TeacherLogits }; // [N]
        var outputs = phase.Forward(input.Inputs, state.Batches); // [N, outputs]
        var loss = objective.Loss(outputs, targets);
        if (!loss.requires_grad)
        {
            throw new InvalidOperationException(
                $"Nothing that trains in {network.Name} reaches its output: it detaches its result, or computes without its parameters.");
        }
        phase.Backward(loss, () => objective.CountOf(targets));
        return loss.detach().MoveToOuterDisposeScope();
    }

    /// <returns>False if the training diverged: <see cref="RunState.Divergence"/> has the reason.</returns>
    private bool Account(StepInput input, Tensor meanLoss, double learningRate)
    {
        double loss;
        using (meanLoss)
            loss = meanLoss.item<float>(); // synchronises with the device
        state.Add(loss, input.Rows.Length, batchesOfEpoch: input.Batch + 1);
        run.Options.Observer?.AfterStep(state.Batches, input.Rows.Length, loss, learningRate);
        state.Divergence = state.Losses.Judge(loss, run.Options.OnDivergence.SpikeFactor);
        if (StopRequest.Agree(state.Divergence is not null))
            return false;
        if (!phase.HasPending)
            checkpoints?.AfterStep(phase);
        meter.Advance(input.Rows.Length, state.MeanLoss, phase.LargestScale * learningRate);
        return true;
    }
}
