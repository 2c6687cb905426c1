using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>The divisors of the losses of a step with gradient accumulation, computed once over all its batches.</summary>
internal sealed class StepCounter(TrainingRun run)
{
    private (EpochOrder Order, int Step, StepCounts? Counts)? _last;

    /// <returns>Null without gradient accumulation, or if the loss has a single count.</returns>
    public StepCounts? CountsOf(EpochOrder order, int batch)
    {
        if (!run.Options.Accumulates)
            return null;
        var step = order.StepOf[batch];
        if (_last is not { } last || !ReferenceEquals(last.Order, order) || last.Step != step)
            _last = last = (order, step, run.Objective.CountsOf(run.Data.Training, order.RowsOfStep(batch)));
        return last.Counts;
    }
}
