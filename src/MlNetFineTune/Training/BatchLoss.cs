using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The loss of a batch in training: that of the task, or in a phase of pairs the contrastive loss.</summary>
internal abstract class BatchLoss
{
    public static BatchLoss Of(TrainingRun run, PlannedPhase phase) => phase.TrainsPairs ? new PairLoss(run) : new TaskLoss(run);

    /// <summary>
    /// Whether nothing of a batch is left to train in any process, since rows could not be read. All processes must ask.
    /// </summary>
    public virtual bool IsEmpty(StepInput batch, EpochOrder order) => false;

    /// <param name="outputs">[N, ...]: what the network gave for the rows of the batch.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="order">Order of its epoch.</param>
    /// <returns>The loss, in the current dispose scope.</returns>
    public abstract Result Of(Tensor outputs, StepInput batch, EpochOrder order);

    /// <summary>The loss of one batch.</summary>
    /// <param name="Mean">A number: the mean over what the loss counts.</param>
    /// <param name="CountOf">Its weight in the mean over the batches of a step; may wait for the device.</param>
    /// <param name="Weight">Its weight in the mean of the epoch that is reported.</param>
    public readonly record struct Result(Tensor Mean, Func<double> CountOf, double Weight);
}

/// <summary>The loss of the task on the outputs of the network.</summary>
internal sealed class TaskLoss(TrainingRun run) : BatchLoss
{
    private readonly StepCounter _stepCounter = new(run);

    public override Result Of(Tensor outputs, StepInput batch, EpochOrder order)
    {
        var targets = run.TargetsOf(batch) with { Step = _stepCounter.CountsOf(order, batch.Batch, batch.BatchRows) }; // [N, ...]
        return new(
            run.Objective.Loss(outputs, targets), () => run.Objective.CountOf(targets),
            run.Objective.ReportedCountOf(targets, batch.Rows.Length));
    }
}
