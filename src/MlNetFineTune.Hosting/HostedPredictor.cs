using Microsoft.Extensions.Logging;
using Microsoft.ML;
using MlNetFineTune.Hosting;

namespace MlNetFineTune;

/// <summary>
/// A <see cref="Predictor{TIn, TOut}"/> as a service of a host, which owns its model. Added by <c>services.AddPredictor</c>, it reads its
/// model when the host starts, replaces it while calls go on, and answers the calls that wait when the host stops. Thread-safe.
/// </summary>
/// <typeparam name="TIn">A row of the model's input, as for <c>PredictionEngine</c>. It is read on another thread until its task
/// completes.</typeparam>
/// <typeparam name="TOut">Columns of the model's output, as for <c>PredictionEngine</c>.</typeparam>
public sealed class HostedPredictor<TIn, TOut> : IAsyncDisposable, IDisposable
    where TIn : class
    where TOut : class, new()
{
    private readonly MLContext _ml;
    private readonly HostedPredictorOptions<TIn> _options;
    private readonly PredictorState _state;
    private readonly PredictorInstruments _instruments;
    private readonly string _contentRoot;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _switching = new(1);
    private Predictor<TIn, TOut>? _predictor;
    private SharedModel? _model;
    private bool _ended;

    internal HostedPredictor(
        MLContext ml, HostedPredictorOptions<TIn> options, PredictorState state, PredictorInstruments instruments, string contentRoot,
        TimeProvider time, ILogger log)
    {
        (_ml, _options, _state, _instruments, _contentRoot, _time, _log) = (ml, options, state, instruments, contentRoot, time, log);
        instruments.Add(state);
    }

    /// <summary>The model that serves.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    /// <exception cref="ObjectDisposedException">The host has stopped.</exception>
    public HostedModel Model => Present.Description;

    /// <summary>Counts of rows and batches since the start, over all models; they stay after the host has stopped.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public PredictorMetrics Metrics => Started.Metrics;

    private Predictor<TIn, TOut> Started => Volatile.Read(ref _predictor) ?? throw NotServing();

    private SharedModel Present => Volatile.Read(ref _model) ?? throw NotServing();

    /// <summary>Scores a row, in a batch with the rows of concurrent calls: <see cref="Predictor{TIn, TOut}.PredictAsync"/>.</summary>
    /// <param name="row">The row. It is read on another thread: do not change it before the task completes.</param>
    /// <param name="cancellation">Cancels the task, and removes the row from the queue if it is still waiting.</param>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    /// <exception cref="ObjectDisposedException">The host has stopped.</exception>
    /// <exception cref="PredictorBusyException">The queue is full.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public async Task<TOut> PredictAsync(TIn row, CancellationToken cancellation = default)
    {
        var predictor = Started;
        using var measured = _instruments.Prediction(_state);
        try
        {
            var prediction = await predictor.PredictAsync(row, cancellation).ConfigureAwait(false);
            measured.Succeed();
            return prediction;
        }
        catch (Exception e)
        {
            measured.Fail(e);
            throw;
        }
    }

    /// <summary>
    /// Does something else with the model that serves, for example <c>Transform</c> or an explanation. It is not disposed before
    /// <paramref name="work"/> returns, even if another takes its place meanwhile.
    /// </summary>
    /// <param name="work">The work. What it returns must not read from the model later.</param>
    /// <typeparam name="TResult">Type of the result.</typeparam>
    /// <inheritdoc cref="Model"/>
    public TResult Use<TResult>(Func<ITransformer, TResult> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        while (true)
        {
            var model = Present;
            if (!model.TryEnter())
                continue; // replaced just now
            try
            {
                return work(model.Transformer);
            }
            finally
            {
                model.Leave();
            }
        }
    }

    /// <summary>
    /// Puts the model of a file into service without losing or rejecting a row. It is read and warmed up while the earlier one serves;
    /// where that fails, the earlier one stays. Concurrent calls are done one after another.
    /// </summary>
    /// <param name="path">Path of the file, relative to the content root of the host. It can be deleted afterwards.</param>
    /// <param name="cancellation">Cancels waiting for an earlier call.</param>
    /// <returns>A task that completes when no batch uses the earlier model any more: all later calls are answered by the new one.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="Exception">The file is no model, or one with other columns.</exception>
    /// <exception cref="ObjectDisposedException">The host has stopped.</exception>
    public async Task SwitchAsync(string path, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        await _switching.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            using var measured = _instruments.Load(_state);
            try
            {
                var fullPath = Path.GetFullPath(path, _contentRoot);
                var next = await Task.Run(() => ModelFile.Load(_ml, fullPath, _options.LoadModel, _time), cancellation)
                    .ConfigureAwait(false);
                await ReplaceAsync(next).ConfigureAwait(false);
                measured.Succeed();
            }
            catch (Exception e)
            {
                measured.Fail(e);
                throw;
            }
        }
        finally
        {
            _switching.Release();
        }
    }

    /// <summary>Refuses further rows, and completes when all waiting ones are answered and the model is no longer used by them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _switching.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_ended)
                return; // the host stops it, and the container disposes it, once for each way in which it can be resolved
            _ended = true;
            if (_predictor is not null)
                await _predictor.DisposeAsync().ConfigureAwait(false);
            _state.End();
            Interlocked.Exchange(ref _model, null)?.Leave();
        }
        finally
        {
            _switching.Release();
        }
    }

    /// <summary>Does the same as <see cref="DisposeAsync"/>, and blocks until it is done.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task ReplaceAsync(SharedModel next)
    {
        try
        {
            if (_predictor is { } predictor)
            {
                await predictor.ReplaceModelAsync(next.Transformer).ConfigureAwait(false);
            }
            else
            {
                Volatile.Write(ref _predictor, await Task.Run(() => _ml.Model.CreatePredictor<TIn, TOut>(
                    next.Transformer, HostedPredictorValidation<TIn>.BatchingOf(_options), _options.Example)).ConfigureAwait(false));
            }
        }
        catch
        {
            next.Leave(); // the earlier model stays
            throw;
        }
        _state.Serve(next.Description, () => Started.Metrics);
        Interlocked.Exchange(ref _model, next)?.Leave();
        HostingLog.Serves(_log, _state.Name, next.Description);
    }

    private Exception NotServing() => _ended
        ? new ObjectDisposedException(GetType().Name, $"{_state.Name} has ended with its host.")
        : new InvalidOperationException($"{_state.Name} has no model yet: it is read when the host starts (IHost.StartAsync).");
}
