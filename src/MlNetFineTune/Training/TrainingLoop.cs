using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The training loop: the epochs of a phase and the batches of an epoch; for each batch forward, loss and backward, and an optimizer step
/// if one is due; after each epoch its evaluation.
/// </summary>
internal sealed class TrainingLoop(TrainingRun run, TrainingPhase phase, RunState state, StopRequest stop, RunObservers observers)
{
    private readonly SingleRowBatches _singleRows = new(run);
    private readonly BatchLoss _loss = BatchLoss.Of(run, phase.Planned);

    /// <summary>Trains the remaining epochs of the phase.</summary>
    /// <returns>The reason why the training ends; null if the next phase follows.</returns>
    public TrainingReport.EndReason? Train(EpochInputs epochs, PhaseInputs inputs, EpochEvaluation evaluation)
    {
        while (state.Epochs.Count < phase.LastEpoch)
        {
            if (stop.IsDue)
                return stop.End;
            var epoch = state.Epochs.Count + 1;
            var end = TrainEpoch(epoch, epochs.OrderOf(epoch, inputs), inputs.Training)
                ?? evaluation.Evaluate(epoch, phase, inputs.Validation);
            if (end is not null)
                return end;
            state.EndEpoch(evaluation.Report);
            observers.AfterEpoch(phase, evaluation);
            if (evaluation.PatienceExhausted)
                return TrainingReport.EndReason.EarlyStopped;
        }
        return null;
    }

    /// <summary>Trains the remaining batches of an epoch.</summary>
    /// <returns>The reason why the training ends; null if the epoch is complete.</returns>
    public TrainingReport.EndReason? TrainEpoch(int epoch, EpochOrder order, StepInputs inputs)
    {
        observers.BeginEpoch(epoch, order);
        run.Network.BeginTraining(phase.FrozenStages, phase.Planned.BatchNorm);
        foreach (var batch in inputs.Read(order.Batches, epoch, first: state.BatchesOfEpoch, order.Pairs))
        {
            using (batch)
            {
                run.CheckAlive();
                if (stop.IsDue)
                    return stop.End;
                if (_loss.IsEmpty(batch, order) || _singleRows.MustLeaveOut(batch, phase, epoch, order, state.Batches))
                    continue;
                // The step is due now if its last batch had no readable row.
                if (phase.HasPending && order.StepOf[state.BatchesOfEpoch - 1] != order.StepOf[batch.Batch])
                    phase.OptimizerStep(LearningRate);

                var learningRate = LearningRate;
                var (loss, weight) = ForwardAndBackward(batch, order);
                using var owned = loss;
                if (order.EndsStep(batch.Batch))
                    phase.OptimizerStep(learningRate);

                var meanLoss = loss.item<float>(); // waits for the device
                state.AddBatch(batch, meanLoss, weight, run.Options.OnDivergence);
                observers.AfterBatch(phase, batch, meanLoss, learningRate);
                if (StopRequest.Agree(state.Divergence is not null))
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

    /// <returns>The batch's mean loss, which may still be computed on the device, and its weight in the epoch's mean.</returns>
    private (Tensor Loss, double Weight) ForwardAndBackward(StepInput batch, EpochOrder order)
    {
        using var scope = NewDisposeScope();
        var outputs = phase.Forward(batch.Inputs, state.Batches); // [N, outputs]; [N, features] of pairs
        var loss = _loss.Of(outputs, batch, order);
        phase.Backward(loss.Mean, loss.CountOf);
        return (loss.Mean.detach().MoveToOuterDisposeScope(), loss.Weight);
    }
}
