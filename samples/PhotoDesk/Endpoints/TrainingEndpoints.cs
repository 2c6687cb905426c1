using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Trainings: start, monitor, stop.</summary>
internal static class TrainingEndpoints
{
    public static void MapTrainings(this IEndpointRouteBuilder app)
    {
        var trainings = app.MapGroup("/api/trainings");
        trainings.MapPost("/", Begin);
        // 204 before the first training: browsers report a 404 as an error in the console.
        trainings.MapGet("/latest", (TrainingFeed feed, TrainingStore store) => Latest(feed, store) is { } training
            ? Results.Ok(training)
            : Results.NoContent());
        trainings.MapPost("/latest/stop", Stop);
        trainings.MapGet("/latest/events", Watch);
    }

    private static Results<Accepted<Training>, ProblemHttpResult> Begin(
        Retrainer retrainer, PhotoStore photos, IOptions<PhotoDeskOptions> options)
    {
        var missing = options.Value.LeastLabelled - photos.CountLabelled();
        if (missing > 0)
            return Problems.Conflict($"A training needs {options.Value.LeastLabelled} labelled photos: label {missing} more.");
        return retrainer.Begin() is { } training ? TypedResults.Accepted("/api/trainings/latest", training)
            : Problems.Conflict("A training goes on already.");
    }

    private static Results<Accepted<Training>, ProblemHttpResult> Stop(Retrainer retrainer) =>
        retrainer.Stop() is { } training ? TypedResults.Accepted("/api/trainings/latest", training)
            : Problems.Conflict("No training goes on.");

    private static Results<ServerSentEventsResult<Training>, ProblemHttpResult> Watch(
        TrainingFeed feed, TrainingStore store, IHostApplicationLifetime lifetime, CancellationToken aborted) =>
        Latest(feed, store) is null ? Problems.NotFound("training")
            : TypedResults.ServerSentEvents(EventsAsync(feed, store, lifetime.ApplicationStopping, aborted));

    // Shutdown does not wait for clients of this stream.
    private static async IAsyncEnumerable<SseItem<Training>> EventsAsync(
        TrainingFeed feed, TrainingStore store, CancellationToken programEnds, [EnumeratorCancellation] CancellationToken aborted)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(programEnds, aborted);
        var ended = false;
        await using var states = feed.WatchAsync(ends.Token).GetAsyncEnumerator(CancellationToken.None);
        while (await MovesOn())
        {
            ended = states.Current.HasEnded;
            yield return new SseItem<Training>(states.Current, "progress");
        }
        if (!ended && !ends.IsCancellationRequested)
            yield return new SseItem<Training>(store.Latest()!, "progress"); // no training runs: the final state of the last one

        async Task<bool> MovesOn()
        {
            try
            {
                return await states.MoveNextAsync();
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private static Training? Latest(TrainingFeed feed, TrainingStore store) => feed.Now ?? store.Latest();
}
