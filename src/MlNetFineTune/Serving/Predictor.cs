using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Serving;

namespace MlNetFineTune;

/// <summary>
/// A thread-safe prediction service for an application: rows of concurrent calls are gathered into batches and scored together. Created by
/// <c>ml.Model.CreatePredictor</c>.
/// </summary>
/// <remarks>
/// A row that arrives while fewer than <see cref="PredictorOptions.MaxBatchSize"/> rows wait is scored after at most
/// <see cref="PredictorOptions.MaxDelay"/> plus the time of two batches: the running one and its own. Rows of a batch are independent: if a
/// row's getter throws, only the call for that row fails, and the others are scored without it (the rows of such a batch are read twice).
/// The predictor does not own its model: dispose the predictor first.
/// </remarks>
/// <typeparam name="TIn">A row of the model's input, as for <c>PredictionEngine</c>.
/// It is read on another thread until its task completes.</typeparam>
/// <typeparam name="TOut">Columns of the model's output, as for <c>PredictionEngine</c>.</typeparam>
public sealed class Predictor<TIn, TOut> : IAsyncDisposable, IDisposable
    where TIn : class
    where TOut : class, new()
{
    private readonly IHostEnvironment _env;
    private readonly PredictorOptions _options;
    private readonly TIn? _example;
    private readonly int _maxBatchSize;
    private readonly BatchQueue<PredictionRequest<TIn, TOut>> _queue;
    private readonly Task _workers;
    private readonly PredictorCounts _counts = new();
    private ServedModel<TIn, TOut> _model;

    internal Predictor(IHostEnvironment env, ITransformer model, PredictorOptions options, TIn? example)
    {
        _env = env;
        _options = options;
        _example = example;
        _maxBatchSize = options.MaxBatchSize ?? TransformerChains.BatchSizeOf(model);
        _model = Serve(model);
        _queue = new(options.QueueCapacity, _maxBatchSize, options.MaxDelay, options.Workers);
        _workers = Task.WhenAll(Enumerable.Range(0, options.Workers).Select(Start));
    }

    /// <summary>Counts of rows and batches since the predictor was created.</summary>
    public PredictorMetrics Metrics => _counts.ToMetrics(_queue.Count);

    /// <summary>Scores a row, in a batch with the rows of concurrent calls.</summary>
    /// <param name="row">The row. It is read on another thread: do not change it before the task completes.</param>
    /// <param name="cancellation">Cancels the task, and removes the row from the queue if it is still waiting.</param>
    /// <returns>
    /// The prediction; its scores are NaN for a picture that cannot be read. The task fails with the exception that a transform of the
    /// pipeline throws for this row, with <see cref="PredictorBusyException"/> if the queue is full, or with
    /// <see cref="OperationCanceledException"/>.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The predictor was disposed.</exception>
    public Task<TOut> PredictAsync(TIn row, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (cancellation.IsCancellationRequested)
            return Task.FromCanceled<TOut>(cancellation);
        var request = new PredictionRequest<TIn, TOut>(row);
        if (_queue.TryAdd(request) is not { } place)
        {
            _counts.Refused();
            return Task.FromException<TOut>(new PredictorBusyException(_options.QueueCapacity));
        }
        return cancellation.CanBeCanceled ? Cancellable() : request.Task;

        async Task<TOut> Cancellable()
        {
            using var registration = cancellation.UnsafeRegister(
                _ =>
                {
                    _queue.Remove(place);
                    request.TrySetCanceled(cancellation);
                },
                null);
            return await request.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Scores a row as <see cref="PredictAsync"/> does, and blocks the calling thread until the result is available.</summary>
    /// <inheritdoc cref="PredictAsync"/>
    /// <exception cref="PredictorBusyException">The queue is full.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public TOut Predict(TIn row, CancellationToken cancellation = default) => PredictAsync(row, cancellation).GetAwaiter().GetResult();

    /// <summary>
    /// Replaces the model without losing or rejecting a row: running batches finish on the old model, later ones use the new model. If the
    /// predictor was created with an example row, the new model is warmed up with it first, while the old one serves. If that fails, or the
    /// columns differ, the old model stays in use.
    /// </summary>
    /// <param name="model">The new model, whose input and output have the columns of <typeparamref name="TIn"/> and
    /// <typeparamref name="TOut"/>. The caller keeps ownership.</param>
    /// <returns>A task that completes when no batch uses the old model any more; it can then be disposed.</returns>
    /// <exception cref="ArgumentException">The model is not a row-to-row mapper.</exception>
    public async Task ReplaceModelAsync(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        ObjectDisposedException.ThrowIf(_queue.IsClosed, this);
        var next = await Task.Run(() => Serve(model)).ConfigureAwait(false);
        var earlier = Interlocked.Exchange(ref _model, next);
        earlier.Leave();
        await earlier.Unused.ConfigureAwait(false);
    }

    /// <summary>Stops accepting rows, and completes when all waiting rows are scored.</summary>
    public ValueTask DisposeAsync()
    {
        _queue.Close();
        return new ValueTask(_workers);
    }

    /// <summary>Stops accepting rows, and blocks until all waiting rows are scored.</summary>
    public void Dispose()
    {
        _queue.Close();
        _workers.GetAwaiter().GetResult();
    }

    private ServedModel<TIn, TOut> Serve(ITransformer model)
    {
        var served = new ServedModel<TIn, TOut>(_env, model, _options.Workers);
        if (_example is not null)
            served.WarmUp(_example, _maxBatchSize);
        return served;
    }

    // Dedicated threads: libtorch keeps a thread pool for each thread that ever ran a forward pass.
    private Task Start(int worker)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            Work(worker);
            ended.SetResult();
        })
        { IsBackground = true, Name = $"MlNetFineTune predictor {worker}" };
        thread.Start();
        return ended.Task;
    }

    private void Work(int worker)
    {
        var batch = new List<PredictionRequest<TIn, TOut>>();
        var results = new RowResult<TOut>[_maxBatchSize];
        while (_queue.Take(batch))
        {
            var watch = Stopwatch.StartNew();
            var model = Enter();
            try
            {
                model.Lane(worker).Score(batch.ConvertAll(request => request.Row), results);
            }
            finally
            {
                model.Leave();
            }
            _counts.Batch(results.AsSpan(0, batch.Count), watch.Elapsed);
            _queue.BatchEnds(batch.Count);
            for (var i = 0; i < batch.Count; i++)
            {
                if (results[i].Error is { } error)
                    batch[i].TrySetException(error);
                else
                    batch[i].TrySetResult(results[i].Output!);
            }
            Array.Clear(results);
        }
    }

    private ServedModel<TIn, TOut> Enter()
    {
        while (true)
        {
            var model = Volatile.Read(ref _model);
            if (model.TryEnter())
                return model;
        }
    }
}
