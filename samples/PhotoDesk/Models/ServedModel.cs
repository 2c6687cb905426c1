using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>The predictor of the application and its current model.</summary>
internal sealed class ServedModel(MLContext ml, ModelStore models, ILogger<ServedModel> log) : IHostedService, IDisposable
{
    private readonly SemaphoreSlim _switching = new(1);
    private Predictor<PhotoRow, JudgedRow>? _predictor;
    private volatile LoadedModel? _model;

    public long Id => Model.Id;

    /// <summary>All models of a desk have the same classes in the same order.</summary>
    public IReadOnlyList<string> Classes => Model.Classes;

    public PredictorMetrics Metrics => Predictor.Metrics;

    private LoadedModel Model => _model ?? throw new InvalidOperationException("No model is loaded yet.");

    private Predictor<PhotoRow, JudgedRow> Predictor => _predictor ?? throw new InvalidOperationException("No model is loaded yet.");

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var active = models.Active;
        _model = new LoadedModel(ml, active.Id, models.PathOf(active.Id));
        // Warmed up with an embedded picture before the first request.
        _predictor = ml.Model.CreatePredictor<PhotoRow, JudgedRow>(
            _model.Transformer, example: new PhotoRow { Photo = EmbeddedPictures.Draw(1)[0].Content });
        log.LogInformation("Model {Model} is served.", active.Id);
        return Task.CompletedTask;
    }

    /// <summary>Scores a photo, in batches with those of other callers.</summary>
    /// <exception cref="PredictorBusyException">The queue is full.</exception>
    public async Task<JudgedRow> ScoreAsync(byte[] photo, CancellationToken cancellation) =>
        await Predictor.PredictAsync(new PhotoRow { Photo = photo }, cancellation);

    /// <summary>The photo with the heat of what speaks for the present model's answer; null where it cannot be read. The caller disposes
    /// it.</summary>
    public MLImage? Explain(byte[] photo)
    {
        try
        {
            return Model.Explain(photo);
        }
        catch (ObjectDisposedException)
        {
            return Model.Explain(photo); // the next one, which has just taken its place
        }
    }

    public Opinion ToOpinion(JudgedRow row) => new(
        row.ModelId, row.PredictedLabel,
        [.. Classes.Zip(row.Score, (label, probability) => new ClassProbability(label, probability)).OrderByDescending(c => c.Probability)],
        row.Rejected);

    /// <summary>Replaces the model without losing or rejecting requests.</summary>
    /// <param name="choose">Selects the model, under the lock; null changes nothing.</param>
    /// <param name="record">Records that it is served.</param>
    public async Task<long?> SwitchAsync(Func<long?> choose, Action<long> record)
    {
        await _switching.WaitAsync();
        try
        {
            if (choose() is not { } id)
                return null;
            if (id != Id)
            {
                var next = await Task.Run(() => new LoadedModel(ml, id, models.PathOf(id)));
                try
                {
                    await Predictor.ReplaceModelAsync(next.Transformer);
                }
                catch
                {
                    next.Dispose(); // the old model stays in use
                    throw;
                }
                var earlier = Model;
                _model = next;
                earlier.Dispose();
            }
            record(id);
            log.LogInformation("Model {Model} is served.", id);
            return id;
        }
        finally
        {
            _switching.Release();
        }
    }

    /// <summary>Runs after the web server has stopped, so that all requests are answered.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_predictor is not null)
            await _predictor.DisposeAsync();
    }

    public void Dispose()
    {
        _predictor?.Dispose();
        _model?.Dispose();
        _switching.Dispose();
    }
}
