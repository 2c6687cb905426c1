namespace PhotoDesk;

/// <summary>Two models on the same held-out photos.</summary>
internal sealed record Comparison(int HeldOut, ModelQuality Current, ModelQuality Candidate, IReadOnlyList<ChangedPhoto> Changed)
{
    /// <summary>Accuracy, and macro F1 over the classes that occur (a class without a correct prediction has 0).</summary>
    /// <param name="classes">All classes.</param>
    /// <param name="judged">Labels by a person and predictions of the model.</param>
    public static Quality QualityOf(IEnumerable<string> classes, IReadOnlyCollection<(string Label, string Predicted)> judged)
    {
        if (judged.Count == 0)
            return new Quality(0, 0, 0);
        var f1 = classes
            .Select(name => (
                Right: judged.Count(photo => photo.Label == name && photo.Predicted == name),
                Wrong: judged.Count(photo => (photo.Label == name) != (photo.Predicted == name))))
            .Where(c => c.Right + c.Wrong > 0)
            .Average(c => 2.0 * c.Right / (2 * c.Right + c.Wrong));
        return new Quality((double)judged.Count(photo => photo.Label == photo.Predicted) / judged.Count, f1, judged.Count);
    }
}

internal sealed record ModelQuality(long ModelId, double Accuracy, double F1);

/// <summary>A held-out photo with different predictions of the two models.</summary>
internal sealed record ChangedPhoto(long PhotoId, string Name, string ImageUrl, string Label, string CurrentLabel, string CandidateLabel);
