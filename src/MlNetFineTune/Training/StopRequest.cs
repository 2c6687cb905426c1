namespace MlNetFineTune.Training;

/// <summary>Requests a regular end of a training: by the stop token of the options, or the time budget.</summary>
/// <param name="token">The token.</param>
/// <param name="budget">The time budget; with several processes that of process 0 counts.</param>
/// <param name="time">The clock.</param>
/// <param name="processes">The processes, which end together; null for one alone.</param>
internal sealed class StopRequest(CancellationToken token, TimeSpan? budget, TimeProvider time, ProcessGroup? processes = null)
    : IDisposable
{
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(40);

    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(token);
    private readonly ProcessGroup _processes = processes ?? ProcessGroup.Single;
    private CancellationTokenSource? _limit;
    private CancellationTokenRegistration _spent;
    private TrainingReport.EndReason? _agreed;

    /// <summary>
    /// Whether the training must end now. The same answer in all processes, which all must ask at the same place.
    /// </summary>
    public bool IsDue
    {
        get
        {
            if (!_processes.IsSeveral)
                return _source.IsCancellationRequested;
            if (_agreed is null)
            {
                var (stops, isSpent) = Requests;
                Span<double> sums = [stops ? 1 : 0, isSpent ? 1 : 0];
                _processes.Sum(sums);
                Agree(sums[0] > 0, sums[1] > 0);
            }
            return _agreed is not null;
        }
    }

    /// <summary>What this process was asked for, before the processes agreed.</summary>
    public (bool Stops, bool IsSpent) Requests =>
        (token.IsCancellationRequested, _processes.IsFirst && _source.IsCancellationRequested);

    /// <summary>The reason on which several processes agreed; null before that.</summary>
    public TrainingReport.EndReason? Agreed => _agreed;

    /// <summary>The reason of the request.</summary>
    public TrainingReport.EndReason End => _agreed
        ?? (token.IsCancellationRequested ? TrainingReport.EndReason.Stopped : TrainingReport.EndReason.TimeBudgetSpent);

    /// <summary>Records what the processes were asked for. A request is never withdrawn.</summary>
    /// <param name="stops">Whether the token of any process was cancelled.</param>
    /// <param name="isSpent">Whether process 0 has spent its time budget.</param>
    public void Agree(bool stops, bool isSpent) =>
        _agreed ??= stops ? TrainingReport.EndReason.Stopped : isSpent ? TrainingReport.EndReason.TimeBudgetSpent : null;

    /// <param name="spent">Time of the same training in earlier processes.</param>
    public void StartClock(TimeSpan spent)
    {
        if (!_processes.IsFirst || budget - spent is not { } left)
            return;
        if (left <= TimeSpan.Zero)
        {
            _source.Cancel();
            return;
        }
        _limit = new CancellationTokenSource(left < s_longestTimer ? left : s_longestTimer, time);
        _spent = _limit.Token.Register(_source.Cancel);
    }

    public void Dispose()
    {
        _spent.Dispose(); // waits for a running cancellation
        _limit?.Dispose();
        _source.Dispose();
    }
}
