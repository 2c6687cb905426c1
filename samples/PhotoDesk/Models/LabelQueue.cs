using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>
/// The photos to label next: those about whose class the served model is least certain (<c>ml.FineTuning.RankForLabeling</c>).
/// </summary>
internal sealed class LabelQueue(MLContext ml, ServedModel served, QueueStore queue, PhotoStore photos)
{
    // The newest photos; older ones come when these are labelled.
    private const int MostPhotos = 1000;

    // Photos that an earlier model has scored are scored again, a part of them at each request, so that none takes long.
    private const int MostScored = 100;
    private const int AtOnce = 8;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<long, Opinion> _opinions = [];

    /// <param name="take">Maximum number of photos.</param>
    /// <param name="cancellation">Cancels scoring.</param>
    public async Task<QueuePage> ListAsync(int take, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            var unlabelled = queue.Unlabelled(MostPhotos);
            if (unlabelled.Count == 0)
                return new QueuePage(served.Id, 0, []);
            await ScoreAgainAsync(unlabelled, cancellation);
            var answered = unlabelled.Select(WithNewestOpinion).ToDictionary(photo => $"{photo.Id}");
            var ranked = ml.FineTuning.RankForLabeling(
                Rows(answered.Values), take, LabelingStrategy.Margin(), keyColumnName: nameof(QueueRow.Key),
                cancellationToken: cancellation);
            return new QueuePage(served.Id, unlabelled.Count, [.. ranked.Select(row => new QueuedPhoto(answered[row.Key], row.Score))]);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ScoreAgainAsync(IReadOnlyList<Photo> unlabelled, CancellationToken cancellation)
    {
        var known = unlabelled.Select(photo => photo.Id).ToHashSet();
        foreach (var id in _opinions.Keys.Where(id => !known.Contains(id)).ToList())
            _opinions.Remove(id);
        var outdated = unlabelled.Where(photo => WithNewestOpinion(photo).ModelId != served.Id).Take(MostScored).ToList();
        await Parallel.ForEachAsync(outdated, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (photo, token) =>
            {
                if (photos.Content(photo.Id) is not { } file)
                    return; // deleted meanwhile
                var opinion = served.ToOpinion(await served.ScoreAsync(file.Content, token));
                lock (_opinions)
                    _opinions[photo.Id] = opinion;
            });
    }

    private Photo WithNewestOpinion(Photo photo) => _opinions.TryGetValue(photo.Id, out var opinion)
        ? photo with
        {
            ModelId = opinion.ModelId,
            PredictedLabel = opinion.Label,
            Probabilities = opinion.Probabilities,
            Rejected = opinion.Rejected,
        }
        : photo;

    private IDataView Rows(IEnumerable<Photo> answered)
    {
        var schema = SchemaDefinition.Create(typeof(QueueRow));
        schema[nameof(QueueRow.Score)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, served.Classes.Count);
        return ml.Data.LoadFromEnumerable(answered.Select(photo => new QueueRow
        {
            Key = $"{photo.Id}",
            Score = [.. photo.Probabilities.Select(of => of.Probability)], // the order of classes does not matter for a margin
        }), schema);
    }

    private sealed class QueueRow
    {
        public string Key { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}

/// <summary>The first photos of the queue.</summary>
/// <param name="ModelId">The served model.</param>
/// <param name="Total">Number of all photos that can be labelled.</param>
/// <param name="Photos">The photos, the least certain first.</param>
internal sealed record QueuePage(long ModelId, int Total, IReadOnlyList<QueuedPhoto> Photos);

/// <summary>A photo of the queue, with the newest prediction.</summary>
/// <param name="Photo">The photo.</param>
/// <param name="Margin">Difference of its two largest probabilities, 0 to 1.</param>
internal sealed record QueuedPhoto(Photo Photo, float Margin);
