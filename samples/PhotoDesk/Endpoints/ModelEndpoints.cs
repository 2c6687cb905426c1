using Microsoft.AspNetCore.Http.HttpResults;

namespace PhotoDesk;

/// <summary>Models: compare, switch, roll back.</summary>
internal static class ModelEndpoints
{
    public static void MapModels(this IEndpointRouteBuilder app)
    {
        var models = app.MapGroup("/api/models");
        models.MapGet("/", (ModelStore store) => store.List());
        models.MapGet("/{id:long}/comparison", Compare);
        models.MapPost("/{id:long}/activate", ActivateAsync);
        models.MapPost("/rollback", RollBackAsync);
    }

    private static Results<Ok<Comparison>, ProblemHttpResult> Compare(long id, ModelStore store, HeldOutJudge judge)
    {
        if (store.Find(id) is null)
            return Problems.NotFound("model");
        try
        {
            return TypedResults.Ok(judge.Compare(store.Active.Id, id));
        }
        catch (FileNotFoundException) when (store.Find(id) is null)
        {
            return Problems.NotFound("model"); // cleaned away just now
        }
    }

    private static async Task<Results<Ok<ModelInfo>, ProblemHttpResult>> ActivateAsync(long id, ModelStore store, ServedModel served) =>
        await served.SwitchAsync(() => store.Find(id)?.Id, store.Activate) is null
            ? Problems.NotFound("model")
            : TypedResults.Ok(store.Find(id));

    private static async Task<Results<Ok<ModelInfo>, ProblemHttpResult>> RollBackAsync(ModelStore store, ServedModel served) =>
        await served.SwitchAsync(store.PreviousId, _ => store.RollBack()) is { } id
            ? TypedResults.Ok(store.Find(id))
            : Problems.Conflict("There is no model before this one.");
}
