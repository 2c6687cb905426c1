using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The requests of MLflow's REST API that a training needs. Redirects are not followed, and so the credentials go to the given server
/// alone.
/// </summary>
internal sealed class MlflowClient : IDisposable
{
    private const string Api = "api/2.0/mlflow/";
    private const int LargestAnswer = 1 << 20;

    private readonly HttpClient _http;
    private readonly MlflowTracking _tracking;
    private readonly Uri _base;

    public MlflowClient(MlflowTracking tracking)
    {
        _tracking = tracking;
        _base = new Uri(tracking.Server.AbsoluteUri.TrimEnd('/') + "/");
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            Timeout = Timeout.InfiniteTimeSpan, // each request has its own
            MaxResponseContentBufferSize = LargestAnswer,
        };
        _http.DefaultRequestHeaders.Authorization = tracking.Authorization;
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("MlNetFineTune", null));
    }

    /// <summary>The id of the experiment, which is created if there is none of this name.</summary>
    public async Task<string> ExperimentAsync(string name, CancellationToken cancellation)
    {
        if (await FindExperimentAsync(name, cancellation).ConfigureAwait(false) is { } found)
            return found;
        var answer = await PostAsync("experiments/create", new JsonObject { ["name"] = name }, cancellation).ConfigureAwait(false);
        // Another training may have created it in between.
        return answer.Error == "RESOURCE_ALREADY_EXISTS"
            && await FindExperimentAsync(name, cancellation).ConfigureAwait(false) is { } theirs
            ? theirs
            : Text(Require(answer, "experiments/create"), "experiments/create", "experiment_id");
    }

    /// <summary>
    /// Creates a run. Where the answer is lost, asking again creates a second one, and the first stays without values: MLflow has no key by
    /// which it could know the request again.
    /// </summary>
    /// <returns>The id of the run, and where its artifacts are.</returns>
    public async Task<(string RunId, string ArtifactUri)> CreateRunAsync(
        string experimentId, string? name, long startTime, IReadOnlyDictionary<string, string> tags, CancellationToken cancellation)
    {
        const string request = "runs/create";
        var body = new JsonObject { ["experiment_id"] = experimentId, ["start_time"] = startTime, ["tags"] = Pairs(tags) };
        if (name is not null)
            body["run_name"] = name;
        var answer = Require(await PostAsync(request, body, cancellation).ConfigureAwait(false), request);
        return (Text(answer, request, "run.info.run_id"), answer.Text("run.info.artifact_uri") ?? "");
    }

    /// <summary>
    /// Adds values to a run. The same value sent twice, after an answer was lost, counts once where the server keeps them in a database,
    /// and is there twice where it keeps them in files.
    /// </summary>
    public async Task LogAsync(
        string runId, IReadOnlyCollection<MlflowMetric> metrics, IReadOnlyDictionary<string, string> parameters,
        IReadOnlyDictionary<string, string> tags, CancellationToken cancellation)
    {
        var body = new JsonObject
        {
            ["run_id"] = runId,
            ["metrics"] = new JsonArray([.. metrics.Select(metric => new JsonObject
            {
                ["key"] = metric.Key,
                ["value"] = metric.Value,
                ["timestamp"] = metric.Timestamp,
                ["step"] = metric.Step,
            })]),
            ["params"] = Pairs(parameters),
            ["tags"] = Pairs(tags),
        };
        Require(await PostAsync("runs/log-batch", body, cancellation).ConfigureAwait(false), "runs/log-batch");
    }

    /// <param name="runId">The run.</param>
    /// <param name="state">FINISHED, FAILED or KILLED.</param>
    /// <param name="endTime">Milliseconds since 1970, UTC.</param>
    /// <param name="cancellation">Cancels the request.</param>
    public async Task EndAsync(string runId, string state, long endTime, CancellationToken cancellation)
    {
        var body = new JsonObject { ["run_id"] = runId, ["status"] = state, ["end_time"] = endTime };
        Require(await PostAsync("runs/update", body, cancellation).ConfigureAwait(false), "runs/update");
    }

    /// <summary>Whether the server itself takes artifacts of a run, as it does unless it was told to leave them to their store.</summary>
    public bool TakesArtifacts(string artifactUri) =>
        Uri.TryCreate(artifactUri, UriKind.Absolute, out var uri) && uri.Scheme == "mlflow-artifacts"
        && (uri.Authority.Length == 0 || uri.Authority == _base.Authority);

    public async Task UploadAsync(string artifactUri, string path, CancellationToken cancellation)
    {
        var folder = new Uri(artifactUri).AbsolutePath.Trim('/');
        var request = $"api/2.0/mlflow-artifacts/artifacts/{folder}/{Uri.EscapeDataString(Path.GetFileName(path))}";
        using var content = new ByteArrayContent(await File.ReadAllBytesAsync(path, cancellation).ConfigureAwait(false));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        Require(await SendAsync(HttpMethod.Put, request, content, cancellation).ConfigureAwait(false), "mlflow-artifacts/artifacts");
    }

    public void Dispose() => _http.Dispose();

    private async Task<string?> FindExperimentAsync(string name, CancellationToken cancellation)
    {
        const string request = "experiments/get-by-name";
        var answer = await SendAsync(
            HttpMethod.Get, $"{Api}{request}?experiment_name={Uri.EscapeDataString(name)}", null, cancellation).ConfigureAwait(false);
        if (answer.Error == "RESOURCE_DOES_NOT_EXIST")
            return null;
        Require(answer, request);
        return answer.Text("experiment.lifecycle_stage") == "deleted"
            ? throw Failed(request, $"the experiment {SafeText.Quoted(name)} was deleted there: restore it, or take another name.", false)
            : Text(answer, request, "experiment.experiment_id");
    }

    private async Task<MlflowAnswer> PostAsync(string request, JsonObject body, CancellationToken cancellation)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return await SendAsync(HttpMethod.Post, Api + request, content, cancellation).ConfigureAwait(false);
    }

    private async Task<MlflowAnswer> SendAsync(HttpMethod method, string address, HttpContent? content, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(_tracking.RequestTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(_base, address)) { Content = content };
            using var response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            return new MlflowAnswer(
                response.StatusCode, await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Failed(address, FormattableString.Invariant($"no answer within {_tracking.RequestTimeout.TotalSeconds:0.###} s."), true);
        }
        catch (HttpRequestException e)
        {
            throw Failed(address, SafeText.Message(e), e.HttpRequestError != HttpRequestError.SecureConnectionError);
        }
    }

    private MlflowAnswer Require(MlflowAnswer answer, string request)
    {
        if (answer.Status == HttpStatusCode.OK)
            return answer;
        var isTransient = answer.Status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)answer.Status >= 500;
        var reason = answer.Text("message");
        throw Failed(request, $"{(int)answer.Status} {answer.Error ?? answer.Status.ToString()}"
            + $"{(reason is null ? "" : $": {SafeText.Of(reason.ReplaceLineEndings(" "), SafeText.SentenceLength)}")}.", isTransient);
    }

    private string Text(MlflowAnswer answer, string request, string path) => answer.Text(path) is { Length: > 0 } text
        ? text
        : throw Failed(request, $"the answer has no {path}: is it a tracking server of MLflow?", isTransient: false);

    private MlflowFailure Failed(string request, string reason, bool isTransient) =>
        new($"{_tracking.Server}, {request.Split('?')[0].Replace(Api, "", StringComparison.Ordinal)}: {reason}", isTransient);

    private static JsonArray Pairs(IReadOnlyDictionary<string, string> pairs) =>
        new([.. pairs.Select(pair => new JsonObject { ["key"] = pair.Key, ["value"] = pair.Value })]);
}
