namespace MlNetFineTune.Soak;

/// <summary>Callers of the predictors that never stop asking, but for a pause; every answer is checked.</summary>
internal sealed class Callers : IAsyncDisposable
{
    private static readonly TimeSpan s_thinking = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _calls = [];
    private TaskCompletionSource _free = Released();
    private int _asking;
    private long _answers;

    /// <summary>Number of rows that were answered.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <param name="predictor">What is asked.</param>
    /// <param name="rows">The rows, again and again.</param>
    /// <param name="check">Throws if an answer is wrong.</param>
    public void Add<TIn, TOut>(HostedPredictor<TIn, TOut> predictor, IReadOnlyList<TIn> rows, Action<TOut> check)
        where TIn : class
        where TOut : class, new() => _calls.Add(Task.Run(async () =>
        {
            for (var i = 0; !_end.IsCancellationRequested; i++)
            {
                await EnterAsync();
                try
                {
                    check(await predictor.PredictAsync(rows[i % rows.Count]));
                    Interlocked.Increment(ref _answers);
                }
                finally
                {
                    Interlocked.Decrement(ref _asking);
                }
                await Task.Delay(s_thinking);
            }
        }));

    /// <summary>Runs the work while no row is scored.</summary>
    public async Task<T> PauseAsync<T>(Func<T> work)
    {
        _free = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            while (Volatile.Read(ref _asking) > 0)
                await Task.Delay(1);
            ThrowIfFailed();
            return work();
        }
        finally
        {
            _free.SetResult();
        }
    }

    /// <summary>Throws what a caller threw.</summary>
    public void ThrowIfFailed()
    {
        if (_calls.FirstOrDefault(call => call.IsFaulted) is { } failed)
            failed.GetAwaiter().GetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_calls).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task EnterAsync()
    {
        while (true)
        {
            await Volatile.Read(ref _free).Task;
            Interlocked.Increment(ref _asking);
            if (Volatile.Read(ref _free).Task.IsCompleted)
                return;
            Interlocked.Decrement(ref _asking); // a pause began between the two
        }
    }

    private static TaskCompletionSource Released()
    {
        var free = new TaskCompletionSource();
        free.SetResult();
        return free;
    }
}
