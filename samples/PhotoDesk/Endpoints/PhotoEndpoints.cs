using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Photos and their labels.</summary>
internal static class PhotoEndpoints
{
    private const int LongestPage = 200;

    public static void MapPhotos(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/classes", (ServedModel served) => served.Classes);
        app.MapGet("/api/photos.csv", Table);

        var photos = app.MapGroup("/api/photos");
        photos.MapGet("/", List);
        photos.MapPost("/", Upload).RequireRateLimiting(RateLimits.Uploads)
            .WithMetadata(new RequestSizeLimitAttribute(LargestUploadBytes(app)));
        photos.MapGet("/{id:long}", Find);
        photos.MapGet("/{id:long}/image", (long id, PhotoStore store) => Picture(store.Content(id)));
        photos.MapGet("/{id:long}/thumbnail", (long id, PhotoStore store) => Picture(store.ThumbnailOf(id)));
        photos.MapGet("/{id:long}/why", Why);
        photos.MapPut("/{id:long}/label", SetLabel);
        photos.MapDelete("/{id:long}/label", (long id, PhotoStore store) => FoundOr404(store.SetLabel(id, null)));
        photos.MapDelete("/{id:long}", Delete);
    }

    private static long LargestUploadBytes(IEndpointRouteBuilder app) =>
        app.ServiceProvider.GetRequiredService<IOptions<PhotoDeskOptions>>().Value.LargestUploadBytes;

    private static async Task<Results<Ok<UploadAnswer>, ProblemHttpResult>> Upload(
        HttpRequest request, UploadReader reader, UploadMemory memory, UploadTurns turns, PhotoIntake intake,
        IOptions<PhotoDeskOptions> options, CancellationToken aborted)
    {
        if (UploadReader.BoundaryOf(request) is not { } boundary)
            return Problems.Answer(StatusCodes.Status415UnsupportedMediaType, "Send multipart/form-data with files in the field 'photos'.");
        using var held = memory.Open();
        var files = await reader.ReadAsync(request, boundary, held, aborted);
        if (files.Count == 0)
            return Problems.Answer(StatusCodes.Status400BadRequest,
                $"Send 1 to {options.Value.LargestUpload} files in the field 'photos'.");
        using var turn = await turns.TakeAsync(aborted);
        return TypedResults.Ok(new UploadAnswer(await intake.TakeAsync(files, aborted)));
    }

    private static Results<Ok<PhotoPage>, ProblemHttpResult> List(PhotoStore store, int skip = 0, int take = 50) =>
        skip < 0 || take is < 1 or > LongestPage
            ? Problems.Answer(StatusCodes.Status400BadRequest, $"skip is 0 or more, and take from 1 to {LongestPage}.")
            : TypedResults.Ok(store.List(skip, take));

    private static Results<Ok<Photo>, ProblemHttpResult> Find(long id, PhotoStore store) => FoundOr404(store.Find(id));

    private static Results<Ok<Photo>, ProblemHttpResult> SetLabel(long id, LabelRequest request, PhotoStore store, ServedModel served) =>
        request.Label is { } label && served.Classes.Contains(label)
            ? FoundOr404(store.SetLabel(id, label))
            : Problems.Answer(StatusCodes.Status400BadRequest, $"The label must be one of: {string.Join(", ", served.Classes)}.");

    private static Results<NoContent, ProblemHttpResult> Delete(long id, PhotoStore store) => store.Delete(id) switch
    {
        Deletion.Done => TypedResults.NoContent(),
        Deletion.InUse => Problems.Conflict("A training learns from this photo. Delete it when the training has ended."),
        _ => Problems.NotFound("photo"),
    };

    /// <summary>By the model that is served now, whichever has answered.</summary>
    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> Why(
        long id, PhotoStore store, ServedModel served, CancellationToken aborted) =>
        Picture(store.Content(id) is { } photo && await ExplainedPhoto.OfAsync(served, photo.Content, aborted) is { } explained
            ? new PictureFile(explained, "image/jpeg")
            : null);

    private static Results<FileContentHttpResult, ProblemHttpResult> Picture(PictureFile? file) =>
        file is null ? Problems.NotFound("photo") : TypedResults.File(file.Content, file.MediaType);

    // Streams the table: only one photo is in memory at a time.
    private static async Task Table(HttpResponse response, PhotoStore store, CancellationToken aborted)
    {
        response.ContentType = "text/csv; charset=utf-8";
        response.Headers.ContentDisposition = "attachment; filename=photos.csv";
        await using var text = new StreamWriter(response.Body, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true))
        {
            NewLine = "\r\n"
        };
        await text.WriteLineAsync(PhotoTable.Header);
        foreach (var photo in store.All())
            await text.WriteLineAsync(PhotoTable.Row(photo).AsMemory(), aborted);
    }

    private static Results<Ok<Photo>, ProblemHttpResult> FoundOr404(Photo? photo) =>
        photo is null ? Problems.NotFound("photo") : TypedResults.Ok(photo);
}

internal sealed record LabelRequest(string? Label);
