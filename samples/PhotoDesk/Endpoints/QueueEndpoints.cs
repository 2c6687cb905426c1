using Microsoft.AspNetCore.Http.HttpResults;

namespace PhotoDesk;

/// <summary>The queue of photos to label next. Labels are set as those of all photos.</summary>
internal static class QueueEndpoints
{
    private const int LongestPage = 100;

    public static void MapQueue(this IEndpointRouteBuilder app) => app.MapGet("/api/queue", ListAsync);

    private static async Task<Results<Ok<QueuePage>, ProblemHttpResult>> ListAsync(
        LabelQueue queue, CancellationToken aborted, int take = 12) =>
        take is < 1 or > LongestPage
            ? Problems.Answer(StatusCodes.Status400BadRequest, $"take is from 1 to {LongestPage}.")
            : TypedResults.Ok(await queue.ListAsync(take, aborted));
}
