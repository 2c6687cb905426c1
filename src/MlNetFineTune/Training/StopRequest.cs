namespace MlNetFineTune.Training;

/// <summary>Asks a training to end in good order: the stop token of the options, or the end of its time.</summary>
internal sealed class StopRequest(CancellationToken token, TimeSpan? budget, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(40);

    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(token);
    private CancellationTokenSource? _limit;
    private CancellationTokenRegistration _spent;

    /// <summary>For what waits or reads meanwhile.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether the training shall end now.</summary>
    public bool IsDue => Agree(_source.IsCancellationRequested);

    /// <summary>Who asked.</summary>
    public TrainingReport.EndReason End =>
        token.IsCancellationRequested ? TrainingReport.EndReason.Stopped : TrainingReport.EndReason.TimeBudgetSpent;

    /// <summary>
    /// What all processes of a training decide together, so that all end at the same step. There is one process, and so it decides alone;
    /// every decision to end a training goes through here.
    /// </summary>
    public static bool Agree(bool ends) => ends;

    /// <param name="spent">By the same training in earlier processes.</param>
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
        _spent.Dispose(); // waits for a cancelling that goes on
        _limit?.Dispose();
        _source.Dispose();
    }
}
