using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>
/// The divisors of the losses of a step with gradient accumulation, computed once over all its batches, or of a batch that several
/// processes compute.
/// </summary>
internal sealed class StepCounter(TrainingRun run)
{
    private (EpochOrder Order, int Step, StepCounts? Counts)? _last;

    /// <param name="order">Order of the epoch.</param>
    /// <param name="batch">Index of the batch.</param>
    /// <param name="rows">The rows of the batch in all processes.</param>
    /// <returns>Null if one process computes the batch of a step alone, or if the loss has a single count.</returns>
    public StepCounts? CountsOf(EpochOrder order, int batch, int[] rows)
    {
        if (!run.Options.Accumulates)
            return run.Processes.IsSeveral ? run.Objective.CountsOf(run.Data.Training, rows) : null;
        var step = order.StepOf[batch];
        if (_last is not { } last || !ReferenceEquals(last.Order, order) || last.Step != step)
            _last = last = (order, step, run.Objective.CountsOf(run.Data.Training, order.RowsOfStep(batch)));
        return last.Counts;
    }
}
