using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/serving.md.</summary>
internal static class ServingPage
{
    public static async Task Serve(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        var ml = new MLContext();
        var model = ml.Model.Load("photos.zip", out _);
        await using var predictor = ml.Model.CreatePredictor<Photo, Prediction>(model, example: new Photo { ImagePath = "example.jpg" });
        var app = builder.Build();
        app.MapPost("/classify", async (Photo photo, CancellationToken aborted) =>
        {
            try { return Results.Ok(await predictor.PredictAsync(photo, aborted)); }
            catch (PredictorBusyException) { return Results.StatusCode(503); }
        });
        app.MapGet("/health", () => predictor.Metrics);
        await app.RunAsync();
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class Prediction
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
