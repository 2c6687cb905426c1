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
    private readonly StepAgreement _agreement = new(run, stop);

    /// <summary>Trains the remaining epochs of the phase.</summary>
    /// <returns>The reason why the training ends; null if the next phase follows.</returns>
    public TrainingReport.EndReason? Train(EpochInputs epochs, PhaseInputs inputs, EpochEvaluation evaluation)
    {
        while (state.Epochs.Count < phase.LastEpoch)
        {
            if (stop.IsDue)
                return stop.End;
            var epoch = state.Epochs.Count + 1;
            var end = TrainEpoch(epoch, AgreedFailure.In(() => epochs.OrderOf(epoch, inputs)), inputs.Training)
                ?? evaluation.Evaluate(epoch, phase, inputs.Validation);
            if (end is not null)
                return end;
            state.EndEpoch(evaluation.Report);
            WeightAgreement.Require(run, epoch);
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
        AgreedFailure.In(() => run.Network.BeginTraining(phase.FrozenStages, phase.Planned.BatchNorm));
        SetPosition(epoch);
        foreach (var read in inputs.Read(order.Batches, epoch, first: state.BatchesOfEpoch, order.Pairs))
        {
            var batch = WithPlaceholder(read, inputs);
            using (batch)
            {
                if (_agreement.Decide() is { } end)
                    return end;
                if (_loss.IsEmpty(batch, order) || _singleRows.MustLeaveOut(batch, phase, epoch, order, state.Batches))
                    continue;
                // The step is due now if its last batch had no readable row.
                if (phase.HasPending && order.StepOf[state.BatchesOfEpoch - 1] != order.StepOf[batch.Batch])
                    phase.OptimizerStep(LearningRate);

                var learningRate = LearningRate;
                using var loss = ForwardAndBackward(batch, order);
                if (order.EndsStep(batch.Batch))
                    phase.OptimizerStep(learningRate);

                var meanLoss = loss.Mean; // waits for the device
                state.AddBatch(batch, meanLoss, loss.Weight, run.Options.OnDivergence);
                state.MarkStep(phase.HasPending);
                observers.AfterBatch(phase, batch, meanLoss, learningRate);
                if (state.Divergence is not null)
                    return TrainingReport.EndReason.Diverged;
                SetPosition(epoch);
            }
        }
        if (phase.HasPending)
            phase.OptimizerStep(LearningRate);
        _singleRows.RequireProgress(state, epoch);
        state.BatchesOfEpoch = order.Batches.Length;
        return null;
    }

    private double LearningRate => phase.LearningRateAt(phase.Step, state.Epochs);

    private StepLoss ForwardAndBackward(StepInput batch, EpochOrder order)
    {
        using var scope = NewDisposeScope();
        if (run.Processes.IsSeveral)
            return ForwardAndBackwardOfSlice(batch, order);
        var outputs = phase.Forward(batch.Inputs!, state.Batches); // [N, outputs]; [N, features] of pairs
        var loss = _loss.Of(outputs, batch, order);
        phase.AddCount(phase.Backward(loss.Mean, loss.CountOf, order.EndsStep(batch.Batch)));
        return StepLoss.Of(loss.Mean, loss.Weight);
    }

    // The loss is agreed on before the step, so that a process that ends leaves the others with the weights of the step before.
    private StepLoss ForwardAndBackwardOfSlice(StepInput batch, EpochOrder order)
    {
        var own = LossOfSlice(batch, order);
        var count = phase.Backward(own?.Mean, () => own!.Value.CountOf(), order.EndsStep(batch.Batch));
        var all = _agreement.Sum(batch.Rows.Length > 0 ? own!.Value.Mean.item<float>() : 0, count, own?.Weight ?? 0);
        phase.AddCount(all.Count);
        return StepLoss.Of(all);
    }

    // A process without rows takes part in the sums of BatchNorm.
    private StepInput WithPlaceholder(StepInput batch, StepInputs inputs) => batch.Inputs is null && run.Network.NeedsAllProcesses
        ? batch with { Inputs = inputs.Placeholder() }
        : batch;

    // The gradients of a placeholder are 0.
    private BatchLoss.Result? LossOfSlice(StepInput batch, EpochOrder order)
    {
        if (batch.Inputs is null)
            return null;
        var outputs = phase.Forward(batch.Inputs, state.Batches);
        return batch.Rows.Length > 0 ? _loss.Of(outputs, batch, order) : new(outputs.sum().Mul(0), () => 0, Weight: 0);
    }

    // For the message of a ProcessGroupException.
    private void SetPosition(int epoch)
    {
        if (run.Processes.IsSeveral)
            run.Processes.Position = FormattableString.Invariant($"epoch {epoch}, step {state.Batches + 1}");
    }
}
