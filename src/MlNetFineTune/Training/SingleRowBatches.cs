using Microsoft.ML.Runtime;

namespace MlNetFineTune.Training;

/// <summary>
/// Skips batches of one row if a BatchNorm cannot be trained on them, like batches without readable rows. Which row it is depends on the
/// shuffle and thus changes from epoch to epoch.
/// </summary>
internal sealed class SingleRowBatches(TrainingRun run)
{
    private const string MoreRows =
        "Give batches of two rows and more (BatchSize, the training rows), or keep the pretrained statistics with "
        + "BatchNorm = BatchNormMode.Frozen.";

    private bool _warned;

    /// <param name="input">The batch, of which another process may have the row: the answer is the same in all, which must all ask.</param>
    /// <param name="phase">The current phase.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="order">Order of the epoch.</param>
    /// <param name="batches">Number of previous batches, for the random numbers.</param>
    /// <exception cref="InvalidOperationException">All batches have one row.</exception>
    public bool MustLeaveOut(StepInput input, TrainingPhase phase, int epoch, EpochOrder order, int batches)
    {
        if (input.GlobalRows != 1 || phase.NormWithoutVariance(input.Inputs, batches, epoch) is not { } norm)
            return false;
        var what = $"{norm} of {run.Network.Name} sees one value a channel in a batch of one row, and has no variance to normalise by";
        if (run.Options.BatchSize == 1 || order.Batches.Length == 1)
        {
            throw AgreedFailure.Of(new InvalidOperationException(
                $"{what} (BatchSize {run.Options.BatchSize}, {order.Batches.Sum(batch => batch.Length)} training rows). {MoreRows}"));
        }
        if (!_warned)
        {
            run.Channel.Warning(
                $"Epoch {epoch}: {what}. Such a batch, of a row that was left over or whose neighbours could not be read, "
                + $"is left out of its epoch. {MoreRows}");
        }
        _warned = true;
        return true;
    }

    /// <exception cref="InvalidOperationException">Every batch of the epoch was skipped.</exception>
    public void RequireProgress(RunState state, int epoch)
    {
        if (state.LossRows == 0 && _warned)
        {
            throw AgreedFailure.Of(new InvalidOperationException(
                $"No batch of epoch {epoch} had two rows that could be read, and BatchNorm cannot train on one. {MoreRows}"));
        }
    }
}
