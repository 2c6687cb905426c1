namespace MlNetFineTune.Training;

/// <summary>The mean loss of a batch.</summary>
/// <param name="Mean">The mean over what the loss counts, in all processes.</param>
/// <param name="Count">Total weight of the rows in the mean.</param>
/// <param name="Weight">Weight of the batch in the mean of the epoch that is reported.</param>
internal readonly record struct AgreedLoss(double Mean, double Count, double Weight);

/// <summary>
/// What the processes of a training agree on in each batch, with one sum: the loss, and whether one of them was asked to end. So all end at
/// the same batch, and have the same state at each one.
/// </summary>
internal sealed class StepAgreement(TrainingRun run, StopRequest stop)
{
    private bool _isKnown;
    private bool _isCancelled;

    /// <summary>Whether the training must end before the next batch, as agreed with the last one.</summary>
    /// <returns>The reason; null if it goes on.</returns>
    /// <exception cref="OperationCanceledException">The user or the host cancelled, in any process.</exception>
    public TrainingReport.EndReason? Decide()
    {
        if (!run.Processes.IsSeveral)
        {
            return run.MustStop(stop) ? stop.End : null;
        }
        if (!_isKnown)
            Exchange(0, 0, 0);
        _isKnown = false;
        return _isCancelled ? throw run.Cancelled() : stop.Agreed;
    }

    /// <summary>Adds up the loss of the slices of a batch.</summary>
    /// <param name="mean">Mean loss of this process's slice; 0 for a slice without rows.</param>
    /// <param name="count">Total weight of its rows in the mean.</param>
    /// <param name="weight">Its weight in the mean of the epoch.</param>
    public AgreedLoss Sum(double mean, double count, double weight)
    {
        // A loss that is not finite remains so where its rows have weight 0, as in one process.
        var sums = Exchange(mean * count, count, weight);
        return sums with { Mean = sums.Count > 0 ? sums.Mean / sums.Count : sums.Mean };
    }

    private AgreedLoss Exchange(double loss, double count, double weight)
    {
        Span<double> sums = [loss, count, weight];
        _isCancelled = stop.Agree(run.IsCancelled, sums);
        _isKnown = true;
        return new(sums[0], sums[1], sums[2]);
    }
}
