namespace PhotoDesk;

/// <summary>Two models on the same held-out photos.</summary>
internal sealed record Comparison(int HeldOut, ModelQuality Current, ModelQuality Candidate, IReadOnlyList<ChangedPhoto> Changed)
{
    /// <summary>Accuracy, and F1 as the mean of the classes that occur (van Rijsbergen;
    /// a class without a right prediction has 0).</summary>
    /// <param name="classes">All.</param>
    /// <param name="judged">What a person says, and what the model says.</param>
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

/// <summary>A held-out photo of which the two models say different things.</summary>
internal sealed record ChangedPhoto(long PhotoId, string Name, string ImageUrl, string Label, string CurrentLabel, string CandidateLabel);
