namespace MlNetFineTune.Training;

/// <summary>Requests a regular end of a training: by the stop token of the options, or the time budget.</summary>
internal sealed class StopRequest(CancellationToken token, TimeSpan? budget, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(40);

    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(token);
    private CancellationTokenSource? _limit;
    private CancellationTokenRegistration _spent;

    /// <summary>Token for waiting and reading operations.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether the training must end now.</summary>
    public bool IsDue => Agree(_source.IsCancellationRequested);

    /// <summary>The reason of the request.</summary>
    public TrainingReport.EndReason End =>
        token.IsCancellationRequested ? TrainingReport.EndReason.Stopped : TrainingReport.EndReason.TimeBudgetSpent;

    /// <summary>
    /// The common decision of all processes of a training, so that all end at the same step. There is only one process now; every decision
    /// to end a training uses this method.
    /// </summary>
    public static bool Agree(bool ends) => ends;

    /// <param name="spent">Time of the same training in earlier processes.</param>
    public void StartClock(TimeSpan spent)
    {
        if (budget - spent is not { } left)
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
