using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// A tracking server of MLflow on loopback that is stricter than the real one: whatever its documentation
/// (https://mlflow.org/docs/latest/rest-api.html) does not allow is a fault, unknown members of a body included.
/// </summary>
internal sealed partial class FakeMlflow : IAsyncDisposable
{
    private const string Api = "/api/2.0/mlflow/";

    private readonly WebApplication _app;
    private readonly Lock _lock = new();

    private FakeMlflow(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    /// <summary>What was asked that may not be asked.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Method and path of every request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>Id by name.</summary>
    public ConcurrentDictionary<string, string> Experiments { get; } = new();

    public ConcurrentDictionary<string, Run> Runs { get; } = new();

    public ConcurrentDictionary<string, byte[]> Artifacts { get; } = new();

    public string LifecycleStage { get; set; } = "active";

    /// <summary>Where the artifacts of a run are; {0} is the run.</summary>
    public string ArtifactUri { get; set; } = "mlflow-artifacts:/7/{0}/artifacts";

    /// <summary>Answers instead of the server, if it returns true.</summary>
    public Func<HttpContext, Task<bool>> Instead { get; set; } = _ => Task.FromResult(false);

    public static async Task<FakeMlflow> StartAsync(string pathBase = "")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 1_000_000);
        var app = builder.Build();
        var fake = new FakeMlflow(app);
        app.UsePathBase(pathBase);
        app.Run(fake.AnswerAsync);
        await app.StartAsync();
        return fake;
    }

    public MlflowTracking Tracking(string experiment = "surfaces") => new(Address, experiment);

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        Requests.Enqueue($"{request.Method} {request.Path}");
        Authorizations.Enqueue(request.Headers.Authorization.ToString());
        if (await Instead(context))
            return;
        var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, context.RequestAborted);
        var (status, answer) = ($"{request.Method} {request.Path}") switch
        {
            $"GET {Api}experiments/get-by-name" => FindExperiment(request),
            $"POST {Api}experiments/create" => Checked(request, buffer, CreateExperiment),
            $"POST {Api}runs/create" => Checked(request, buffer, CreateRun),
            $"POST {Api}runs/log-batch" => Checked(request, buffer, LogBatch),
            $"POST {Api}runs/update" => Checked(request, buffer, Update),
            var upload when upload.StartsWith("PUT /api/2.0/mlflow-artifacts/artifacts/", StringComparison.Ordinal) =>
                Upload(request, buffer),
            var other => Fault($"there is no {other}"),
        };
        context.Response.StatusCode = (int)status;
        await context.Response.WriteAsJsonAsync(answer);
    }

    private (HttpStatusCode, JsonObject) Checked(
        HttpRequest request, MemoryStream buffer, Func<JsonObject, (HttpStatusCode, JsonObject)> answer)
    {
        if (request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true)
            return Fault($"content type {request.ContentType}");
        try
        {
            lock (_lock)
                return answer(JsonNode.Parse(buffer.ToArray())!.AsObject());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return Fault($"{request.Path}: {e.Message}");
        }
    }

    private (HttpStatusCode, JsonObject) FindExperiment(HttpRequest request)
    {
        if (request.Query.Count != 1 || request.Query["experiment_name"].ToString() is not { Length: > 0 } name)
            return Fault($"get-by-name{request.QueryString}");
        return Experiments.TryGetValue(name, out var id)
            ? (HttpStatusCode.OK, new JsonObject
            {
                ["experiment"] = new JsonObject { ["experiment_id"] = id, ["name"] = name, ["lifecycle_stage"] = LifecycleStage },
            })
            : Error(HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST", $"Could not find experiment with name '{name}'");
    }

    private (HttpStatusCode, JsonObject) CreateExperiment(JsonObject body)
    {
        Members(body, "name");
        var name = body["name"]!.GetValue<string>();
        return Experiments.TryAdd(name, "7")
            ? (HttpStatusCode.OK, new JsonObject { ["experiment_id"] = "7" })
            : Error(HttpStatusCode.BadRequest, "RESOURCE_ALREADY_EXISTS", $"Experiment(name={name}) already exists.");
    }

    private (HttpStatusCode, JsonObject) CreateRun(JsonObject body)
    {
        Members(body, "experiment_id", "run_name", "start_time", "tags");
        Require(Experiments.Values.Contains(body["experiment_id"]!.GetValue<string>()), "runs/create: no such experiment");
        var id = Guid.NewGuid().ToString("N");
        var run = new Run(body["run_name"]?.GetValue<string>(), body["start_time"]!.GetValue<long>());
        AddTags(run, body["tags"]!.AsArray());
        Runs[id] = run;
        var info = new JsonObject { ["run_id"] = id, ["status"] = "RUNNING", ["artifact_uri"] = string.Format(null, ArtifactUri, id) };
        return (HttpStatusCode.OK, new JsonObject { ["run"] = new JsonObject { ["info"] = info } });
    }

    private (HttpStatusCode, JsonObject) LogBatch(JsonObject body)
    {
        Members(body, "run_id", "metrics", "params", "tags");
        var run = Runs[body["run_id"]!.GetValue<string>()];
        Require(run.Status == "RUNNING", "log-batch after the end");
        var (metrics, parameters, tags) = (body["metrics"]!.AsArray(), body["params"]!.AsArray(), body["tags"]!.AsArray());
        Require(metrics.Count <= 1000 && parameters.Count <= 100 && tags.Count <= 100
            && metrics.Count + parameters.Count + tags.Count is > 0 and <= 1000, "log-batch: too much, or nothing");
        foreach (var metric in metrics.Select(metric => metric!.AsObject()))
        {
            Members(metric, "key", "value", "timestamp", "step");
            Require(metric["timestamp"]!.GetValue<long>() is > 1_600_000_000_000 and < 4_000_000_000_000, "no time in milliseconds");
            run.Metrics.Add((Key(metric), metric["value"]!.GetValue<double>(), metric["step"]!.GetValue<long>()));
        }
        foreach (var parameter in parameters.Select(parameter => parameter!.AsObject()))
        {
            Members(parameter, "key", "value");
            var (key, value) = (Key(parameter), parameter["value"]!.GetValue<string>());
            Require(value.Length is > 0 and <= 500, $"param {key} has {value.Length} characters");
            Require(run.Parameters.TryAdd(key, value), $"param {key} was logged twice");
        }
        AddTags(run, tags);
        run.Batches.Add(metrics.Count);
        return (HttpStatusCode.OK, []);
    }

    private (HttpStatusCode, JsonObject) Update(JsonObject body)
    {
        Members(body, "run_id", "status", "end_time");
        var run = Runs[body["run_id"]!.GetValue<string>()];
        Require(run.Status == "RUNNING", "ended twice");
        run.Status = body["status"]!.GetValue<string>();
        Require(run.Status is "FINISHED" or "FAILED" or "KILLED", $"status {run.Status}");
        Require(body["end_time"]!.GetValue<long>() >= run.StartTime, "ends before it starts");
        return (HttpStatusCode.OK, new JsonObject { ["run_info"] = new JsonObject() });
    }

    private (HttpStatusCode, JsonObject) Upload(HttpRequest request, MemoryStream content)
    {
        var path = request.Path.Value!["/api/2.0/mlflow-artifacts/artifacts/".Length..];
        Require(path.Split('/') is ["7", var run, "artifacts", _] && Runs.ContainsKey(run), $"artifact {path}");
        Require(request.ContentType == "application/octet-stream", $"artifact of type {request.ContentType}");
        Artifacts[path.Split('/')[^1]] = content.ToArray();
        return (HttpStatusCode.OK, []);
    }

    private void AddTags(Run run, JsonArray tags)
    {
        foreach (var tag in tags.Select(tag => tag!.AsObject()))
        {
            Members(tag, "key", "value");
            var value = tag["value"]!.GetValue<string>();
            Require(value.Length <= 5000, $"tag {Key(tag)} has {value.Length} characters");
            run.Tags[Key(tag)] = value;
        }
    }

    private string Key(JsonObject owner)
    {
        var key = owner["key"]!.GetValue<string>();
        Require(key.Length <= 250 && Name().IsMatch(key) && !key.Split('/').Any(part => part is "" or "." or ".."), $"key '{key}'");
        return key;
    }

    private void Members(JsonObject body, params ReadOnlySpan<string> known)
    {
        foreach (var (name, _) in body)
            Require(known.Contains(name), $"there is no member {name}");
    }

    private void Require(bool isSo, string what)
    {
        if (!isSo)
            Faults.Enqueue(what);
    }

    private (HttpStatusCode, JsonObject) Fault(string what)
    {
        Faults.Enqueue(what);
        return Error(HttpStatusCode.BadRequest, "BAD_REQUEST", what);
    }

    private static (HttpStatusCode, JsonObject) Error(HttpStatusCode status, string code, string message) =>
        (status, new JsonObject { ["error_code"] = code, ["message"] = message });

    [GeneratedRegex(@"^[/\w.\- ]+$")]
    private static partial Regex Name();

    /// <summary>A run.</summary>
    internal sealed class Run(string? name, long startTime)
    {
        public string? Name => name;

        public long StartTime => startTime;

        public string Status { get; set; } = "RUNNING";

        public List<(string Key, double Value, long Step)> Metrics { get; } = [];

        public Dictionary<string, string> Parameters { get; } = [];

        public Dictionary<string, string> Tags { get; } = [];

        /// <summary>Number of metrics in each request.</summary>
        public List<int> Batches { get; } = [];

        public double[] Of(string key) => [.. Metrics.Where(metric => metric.Key == key).Select(metric => metric.Value)];
    }
}
