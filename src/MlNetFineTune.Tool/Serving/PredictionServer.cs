using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SkiaSharp;

namespace MlNetFineTune.Tool;

/// <summary>A web server that predicts: <c>POST /predict</c> with a photo or a text as body, and <c>GET /health</c>.</summary>
internal static class PredictionServer
{
    /// <summary>Serves until the process is told to end (Ctrl-C, SIGTERM); requests that have begun are answered.</summary>
    /// <param name="classifier">The model.</param>
    /// <param name="settings">Address and limits.</param>
    /// <param name="onListening">Receives the addresses, when requests are answered.</param>
    public static async Task RunAsync(Classifier classifier, ServeSettings settings, Action<IReadOnlyCollection<string>> onListening)
    {
        var queue = new PredictorOptions { QueueCapacity = settings.Queue };
        if (classifier.Kind == RowKind.Photos)
            await RunAsync(classifier, classifier.CreatePredictor(queue, AnyPhoto()), ReadBytesAsync, settings, onListening);
        else
            await RunAsync(classifier, classifier.CreatePredictor(queue, "any text"), ReadTextAsync, settings, onListening);
    }

    private static async Task RunAsync<T>(
        Classifier classifier, Predictor<InputRow<T>, ScoredRow> predictor, Func<HttpRequest, Task<T?>> read, ServeSettings settings,
        Action<IReadOnlyCollection<string>> onListening)
        where T : class
    {
        await using Predictor<InputRow<T>, ScoredRow> owned = predictor;
        await using WebApplication app = Build(settings);
        app.MapPost("/predict", async (HttpContext http) =>
        {
            if (await read(http.Request) is not { } input)
                return Refuse(StatusCodes.Status400BadRequest, $"The request is empty: send one of the {classifier.Kind.Noun}.");
            ScoredRow row = await predictor.PredictAsync(new InputRow<T> { Input = input }, http.RequestAborted);
            Prediction prediction = classifier.ToPrediction("", row.Probabilities, () => classifier.WhyUnreadable(input));
            return prediction.Error is { } reason
                ? Refuse(StatusCodes.Status422UnprocessableEntity, reason)
                : Results.Json(new Answer(prediction.Class!, prediction.Probability!.Value, prediction.Probabilities!), JsonOutput.Options);
        });
        app.MapGet("/health", () => Results.Json(
            new Health("ok", classifier.Kind.Noun, classifier.Classes, predictor.Metrics), JsonOutput.Options));
        await app.StartAsync();
        onListening([.. app.Urls]);
        await app.WaitForShutdownAsync();
    }

    // Without the files and variables of settings that other applications in this folder may have.
    private static WebApplication Build(ServeSettings settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Warning)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseKestrelCore().UseUrls(settings.Url.AbsoluteUri).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.LargestBody;
        });
        builder.Services.AddRoutingCore();
        // Against DNS rebinding: a page of another site cannot reach a local server under a name of its own.
        if (settings.Url.IsLoopback)
            builder.Services.AddHostFiltering(hosts => hosts.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);

        WebApplication app = builder.Build();
        if (settings.Url.IsLoopback)
            app.UseHostFiltering();
        app.Use((http, next) => AnswerFaults(http, next, app.Logger));
        return app;
    }

    private static async Task AnswerFaults(HttpContext http, RequestDelegate next, ILogger log)
    {
        try
        {
            await next(http);
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(e.StatusCode, e.Message).ExecuteAsync(http);
        }
        catch (JsonException e)
        {
            await Refuse(StatusCodes.Status400BadRequest, $"The body is not JSON: {e.Message}").ExecuteAsync(http);
        }
        catch (PredictorBusyException e)
        {
            http.Response.Headers.RetryAfter = "1";
            await Refuse(StatusCodes.Status503ServiceUnavailable, e.Message).ExecuteAsync(http);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            log.LogError(e, "A request failed.");
            await Refuse(StatusCodes.Status500InternalServerError, "The server failed; its log says why.").ExecuteAsync(http);
        }
    }

    private static async Task<byte[]?> ReadBytesAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        return body.Length > 0 ? body.ToArray() : null;
    }

    // {"text": "..."} as JSON, or the text itself.
    private static async Task<string?> ReadTextAsync(HttpRequest request)
    {
        CancellationToken aborted = request.HttpContext.RequestAborted;
        if (request.HasJsonContentType())
        {
            // JSON is UTF-8 (RFC 8259), whatever a charset says.
            TextBody? body = await JsonSerializer.DeserializeAsync<TextBody>(request.Body, JsonOutput.Options, aborted);
            return body?.Text is { Length: > 0 } inside ? inside : null;
        }
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        string text = await reader.ReadToEndAsync(aborted);
        return text.Length > 0 ? text : null;
    }

    private static IResult Refuse(int status, string error) => Results.Json(new Refusal(error), JsonOutput.Options, statusCode: status);

    private static byte[] AnyPhoto()
    {
        using var bitmap = new SKBitmap(64, 64);
        bitmap.Erase(SKColors.Gray);
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return png.ToArray();
    }

    private sealed record TextBody(string? Text);

    private sealed record Answer(string Class, float Probability, IReadOnlyDictionary<string, float> Probabilities);

    private sealed record Refusal(string Error);

    private sealed record Health(string Status, string Reads, IReadOnlyList<string> Classes, PredictorMetrics Predictions);
}
