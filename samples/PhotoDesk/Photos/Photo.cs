namespace PhotoDesk;

/// <summary>An uploaded photo, what was said of it, and by which model.</summary>
/// <param name="Id">Never used again.</param>
/// <param name="Name">As the file was called, without folders.</param>
/// <param name="Time">Of the upload.</param>
/// <param name="ModelId">Which model predicted.</param>
/// <param name="PredictedLabel">The most probable class.</param>
/// <param name="Probabilities">Of all classes, the most probable first.</param>
/// <param name="Rejected">The model is not sure enough: a person should look.</param>
/// <param name="CorrectedLabel">What a person said; null where nobody has.</param>
internal sealed record Photo(
    long Id, string Name, DateTimeOffset Time, long ModelId, string PredictedLabel, IReadOnlyList<ClassProbability> Probabilities,
    bool Rejected, string? CorrectedLabel);

internal sealed record ClassProbability(string Label, float Probability);

/// <summary>The newest photos, and how many there are.</summary>
internal sealed record PhotoPage(long Total, IReadOnlyList<Photo> Photos);

/// <summary>What became of one file of an upload: a photo, or the reason why it is none.</summary>
internal sealed record UploadResult(string Name, Photo? Photo = null, string? Error = null);

internal sealed record UploadAnswer(IReadOnlyList<UploadResult> Results);

/// <summary>Bytes and what kind of picture they are.</summary>
internal sealed record PictureFile(byte[] Content, string MediaType);
