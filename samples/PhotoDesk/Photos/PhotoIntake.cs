using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Processes an upload: validates the files, scores them, creates thumbnails and stores all in one transaction.</summary>
internal sealed class PhotoIntake(ServedModel served, PhotoStore photos, IOptions<PhotoDeskOptions> options)
{
    // Concurrency within one upload; the predictor batches the photos of all uploads.
    private const int AtOnce = 8;

    /// <returns>One result per file, in order.</returns>
    public async Task<IReadOnlyList<UploadResult>> TakeAsync(IReadOnlyList<UploadedFile> files, CancellationToken cancellation)
    {
        var scored = new (NewPhoto? Photo, string? Error)[files.Count];
        await Parallel.ForAsync(0, files.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (i, token) => scored[i] = await ScoreAsync(files[i], token));
        var stored = new Queue<Photo>(photos.Add(scored.Select(result => result.Photo).OfType<NewPhoto>()));
        return [
            .. files.Zip(scored, (file, result) =>
                new UploadResult(file.Name, result.Photo is null ? null : stored.Dequeue(), result.Error))];
    }

    private async Task<(NewPhoto? Photo, string? Error)> ScoreAsync(UploadedFile file, CancellationToken cancellation)
    {
        if (file.Content is not { } content)
            return (null, $"The file is larger than {options.Value.LargestPhotoBytes / 1048576.0:0.#} MiB.");
        if (PictureCheck.Check(content, options.Value.LargestPixels, out var mediaType) is { } error)
            return (null, error);
        var answer = await served.ScoreAsync(content, cancellation);
        if (answer.Status != "" || await Thumbnail.OfAsync(content, cancellation) is not { } thumbnail)
            return (null, "The picture is damaged and cannot be read.");
        return (new NewPhoto(file.Name, mediaType, content, thumbnail, served.ToOpinion(answer)), null);
    }
}
