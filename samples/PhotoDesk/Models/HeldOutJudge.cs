using Microsoft.ML;
using QuickStart;

namespace PhotoDesk;

/// <summary>
/// Evaluates models on the held-out photos, which are never used for training. Predictions are stored, so that a later comparison only
/// scores new photos.
/// </summary>
internal sealed class HeldOutJudge(MLContext ml, HeldOutStore heldOut, ModelStore models)
{
    /// <summary>Evaluates a model that has a file; it need not be in the list yet.</summary>
    public Quality QualityOf(long modelId)
    {
        var photos = heldOut.List();
        using var model = new LoadedModel(ml, models.PathOf(modelId));
        var said = Ask(model, [.. photos.Select(photo => photo.Id)]);
        return QualityOf(photos, said);
    }

    /// <summary>Compares two models on the current held-out photos.</summary>
    public Comparison Compare(long currentId, long candidateId)
    {
        var photos = heldOut.List();
        var (current, candidate) = (SaidBy(currentId, photos), SaidBy(candidateId, photos));
        var (before, after) = (QualityOf(photos, current), QualityOf(photos, candidate));
        return new Comparison(
            before.HeldOut, new ModelQuality(currentId, before.Accuracy, before.F1),
            new ModelQuality(candidateId, after.Accuracy, after.F1),
            [.. from photo in photos
                where current.ContainsKey(photo.Id) && candidate.ContainsKey(photo.Id) && current[photo.Id] != candidate[photo.Id]
                select new ChangedPhoto(photo.Id, photo.Name, $"/api/photos/{photo.Id}/thumbnail", photo.Label, current[photo.Id],
                    candidate[photo.Id])]);
    }

    private IReadOnlyDictionary<long, string> SaidBy(long modelId, IReadOnlyList<HeldOutPhoto> photos)
    {
        var said = heldOut.SaidBy(modelId);
        long[] missing = [.. photos.Select(photo => photo.Id).Where(id => !said.ContainsKey(id))];
        if (missing.Length == 0)
            return said;
        using var model = new LoadedModel(ml, models.PathOf(modelId));
        heldOut.Keep(modelId, Ask(model, missing));
        return heldOut.SaidBy(modelId);
    }

    private Dictionary<long, string> Ask(LoadedModel model, IReadOnlyList<long> ids)
    {
        var rows = ml.Data.LoadFromEnumerable(heldOut.Contents(ids));
        return ml.Data.CreateEnumerable<AnsweredRow>(model.File.Transform(rows), reuseRowObject: false)
            .ToDictionary(row => row.PhotoId, row => row.PredictedLabel);
    }

    private static Quality QualityOf(IReadOnlyList<HeldOutPhoto> photos, IReadOnlyDictionary<long, string> said) =>
        Comparison.QualityOf(SurfaceImages.Kinds,
            [.. photos.Where(photo => said.ContainsKey(photo.Id)).Select(photo => (photo.Label, said[photo.Id]))]);

    private sealed class AnsweredRow
    {
        public long PhotoId { get; set; }

        public string PredictedLabel { get; set; } = "";
    }
}
