using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Serving;

/// <summary>
/// A model with a lane for each worker and a reference count, which tells the caller that replaces it when it is no longer used.
/// </summary>
internal sealed class ServedModel<TIn, TOut>
    where TIn : class
    where TOut : class, new()
{
    private readonly PredictionLane<TIn, TOut>[] _lanes;
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users = 1; // the predictor

    /// <param name="env">Environment of the context.</param>
    /// <param name="model">The model; not disposed here.</param>
    /// <param name="workers">Number of lanes.</param>
    /// <exception cref="ArgumentException">The model is not a row-to-row mapper.</exception>
    public ServedModel(IHostEnvironment env, ITransformer model, int workers)
    {
        if (!model.IsRowToRowMapper)
            throw new ArgumentException("A predictor needs a model that gives one row for each it gets (a row-to-row mapper); "
                + "this one has a transform that does not.", nameof(model));
        _lanes = [.. Enumerable.Range(0, workers).Select(_ => new PredictionLane<TIn, TOut>(env, model))];
    }

    /// <summary>Completes when the reference count reaches zero.</summary>
    public Task Unused => _unused.Task;

    public PredictionLane<TIn, TOut> Lane(int worker) => _lanes[worker];

    /// <summary>
    /// Scores a row alone and in growing batches on every lane, so that code is compiled, memory is allocated and kernels for these shapes
    /// are selected before the first call.
    /// </summary>
    /// <exception cref="Exception">The row cannot be scored.</exception>
    public void WarmUp(TIn example, int maxBatchSize)
    {
        var results = new RowResult<TOut>[maxBatchSize];
        foreach (var lane in _lanes)
        {
            for (var rows = 1; rows < maxBatchSize; rows *= 2)
                lane.Run([.. Enumerable.Repeat(example, rows)], results);
            lane.Run([.. Enumerable.Repeat(example, maxBatchSize)], results);
        }
    }

    /// <returns>False if the model was replaced and its reference count is zero.</returns>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _unused.SetResult();
    }
}
