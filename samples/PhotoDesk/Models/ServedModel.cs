using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>The model that answers: the predictor of the host, and which model the database says it serves.</summary>
internal sealed class ServedModel(
    HostedPredictor<PhotoRow, JudgedRow> predictor, MLContext ml, ModelStore models, ILogger<ServedModel> log)
{
    private readonly SemaphoreSlim _switching = new(1);

    public long Id => ModelStore.IdOf(predictor.Model.Path);

    /// <summary>All models of a desk have the same classes in the same order.</summary>
    public IReadOnlyList<string> Classes => predictor.Use(model => ServedChain.NetworkIn(model).Classes);

    public PredictorMetrics Metrics => predictor.Metrics;

    /// <summary>Scores a photo, in batches with those of other callers.</summary>
    /// <exception cref="PredictorBusyException">The queue is full.</exception>
    public Task<JudgedRow> ScoreAsync(byte[] photo, CancellationToken cancellation) =>
        predictor.PredictAsync(new PhotoRow { Photo = photo }, cancellation);

    /// <summary>The photo with a heat map of the served model's predicted class; null where it cannot be read. The caller disposes
    /// it.</summary>
    public MLImage? Explain(byte[] photo) => predictor.Use(model =>
    {
        using var explainer = ml.Transforms
            .ExplainImages("Heat", nameof(PhotoRow.Photo), ServedChain.NetworkIn(model), Explanation.GradCam())
            .Fit(ml.Data.LoadFromEnumerable<PhotoRow>([]));
        return explainer.Transform(ml.Data.LoadFromEnumerable([new PhotoRow { Photo = photo }])).GetColumn<MLImage?>("Heat").Single();
    });

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
                await predictor.SwitchAsync(models.PathOf(id));
            record(id);
            log.LogInformation("Model {Model} is served.", id);
            return id;
        }
        finally
        {
            _switching.Release();
        }
    }

    /// <summary>Does something while no model is chosen and read, for example deletes the files of others.</summary>
    public async Task<T> WithoutSwitchAsync<T>(Func<T> action, CancellationToken cancellation)
    {
        await _switching.WaitAsync(cancellation);
        try
        {
            return action();
        }
        finally
        {
            _switching.Release();
        }
    }
}
