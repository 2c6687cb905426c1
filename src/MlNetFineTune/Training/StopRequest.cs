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
                Agree(isCancelled: false, []);
            return _agreed is not null;
        }
    }

    /// <summary>The reason on which several processes agreed; null before that.</summary>
    public TrainingReport.EndReason? Agreed => _agreed;

    /// <summary>The reason of the request.</summary>
    public TrainingReport.EndReason End => _agreed
        ?? (token.IsCancellationRequested ? TrainingReport.EndReason.Stopped : TrainingReport.EndReason.TimeBudgetSpent);

    /// <summary>
    /// Exchanges with one sum what the processes were asked for: a stop of any of them, and the time budget of process 0. A request is
    /// never withdrawn.
    /// </summary>
    /// <param name="isCancelled">Whether this process was cancelled.</param>
    /// <param name="terms">Numbers that are replaced by their sums over all processes with the same exchange.</param>
    /// <returns>Whether any process was cancelled.</returns>
    public bool Agree(bool isCancelled, Span<double> terms)
    {
        Span<double> sums =
        [
            .. terms, isCancelled ? 1 : 0, token.IsCancellationRequested ? 1 : 0,
            _processes.IsFirst && _source.IsCancellationRequested ? 1 : 0,
        ];
        _processes.Sum(sums);
        sums[..terms.Length].CopyTo(terms);
        _agreed ??= sums[^2] > 0 ? TrainingReport.EndReason.Stopped : sums[^1] > 0 ? TrainingReport.EndReason.TimeBudgetSpent : null;
        return sums[^3] > 0;
    }

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
