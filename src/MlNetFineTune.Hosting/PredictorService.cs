using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MlNetFineTune.Hosting;

/// <summary>Starts a predictor with its host, watches its file, and ends it with the host.</summary>
internal sealed class PredictorService<TIn, TOut>(
    HostedPredictor<TIn, TOut> predictor, HostedPredictorOptions<TIn> options, PredictorState state, string contentRoot, TimeProvider time,
    ILogger log)
    : IHostedService, IDisposable
    where TIn : class
    where TOut : class, new()
{
    private readonly CancellationTokenSource _stop = new();
    private Task _watching = Task.CompletedTask;

    /// <exception cref="InvalidOperationException">The model cannot be put into service; the host does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string? path = null;
        FileStamp? stamp;
        try
        {
            path = Path.GetFullPath(options.FindModel is { } find ? Found(find()) : options.ModelPath!, contentRoot);
            stamp = FileStamp.Of(path); // before it is read, so that a file that comes meanwhile is noticed
            await predictor.SwitchAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var model = path is null ? "" : $" with the model '{path}'";
            throw new InvalidOperationException($"{state.Name} cannot start{model}: {e.Message}", e);
        }
        if (options is { WatchModel: true, FindModel: null })
            _watching = new ModelWatch(path, stamp, predictor.SwitchAsync, state, log).RunAsync(options.WatchInterval, time, _stop.Token);
    }

    /// <summary>Runs after the services that were added later have stopped: a web server is one of them.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await predictor.DisposeAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _stop.Cancel(); // without a wait handle or a timer there is nothing to free

    private static string Found(string? path) => string.IsNullOrWhiteSpace(path)
        ? throw new InvalidOperationException("FindModel returned no path: it must return that of a model's zip file.")
        : path;
}
