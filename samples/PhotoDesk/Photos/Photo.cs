namespace PhotoDesk;

/// <summary>An uploaded photo with its prediction and label.</summary>
/// <param name="Id">Unique, never reused.</param>
/// <param name="Name">Name of the file without folders.</param>
/// <param name="Time">Time of the upload.</param>
/// <param name="ModelId">Model of the prediction.</param>
/// <param name="PredictedLabel">The most probable class.</param>
/// <param name="Probabilities">Probabilities of all classes, in descending order.</param>
/// <param name="Rejected">Whether the score is below the reject threshold, so that a person should check the photo.</param>
/// <param name="CorrectedLabel">Label by a person; null if there is none.</param>
internal sealed record Photo(
    long Id, string Name, DateTimeOffset Time, long ModelId, string PredictedLabel, IReadOnlyList<ClassProbability> Probabilities,
    bool Rejected, string? CorrectedLabel);

internal sealed record ClassProbability(string Label, float Probability);

/// <summary>A page of the newest photos, and their total number.</summary>
internal sealed record PhotoPage(long Total, IReadOnlyList<Photo> Photos);

/// <summary>Result for one file of an upload: a photo, or the reason why it was rejected.</summary>
internal sealed record UploadResult(string Name, Photo? Photo = null, string? Error = null);

internal sealed record UploadAnswer(IReadOnlyList<UploadResult> Results);

/// <summary>Content and media type of a picture.</summary>
internal sealed record PictureFile(byte[] Content, string MediaType);
