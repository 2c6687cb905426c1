using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using QuickStart;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>
/// <c>-- load</c>: a load test from a separate process. Callers upload photos continuously: while nothing else runs, while the desk
/// retrains, and while its model is replaced. A photo without a prediction counts as lost and makes the exit code nonzero. The test ends by
/// itself.
/// </summary>
internal sealed class LoadRun(LoadSettings settings) : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };

    private readonly HttpClient _http =
        new() { BaseAddress = settings.Url, Timeout = TimeSpan.FromMinutes(5), DefaultRequestHeaders = { { "X-PhotoDesk", "1" } } };
    private readonly byte[][] _photos = [.. Enumerable.Range(0, 32).Select(Draw)];

    public static async Task<int> RunAsync(string[] args)
    {
        using var run = new LoadRun(LoadSettings.Parse(args));
        return await run.RunAsync();
    }

    private TimeSpan LongestTraining => 10 * settings.Seconds;

    public void Dispose() => _http.Dispose();

    private async Task<int> RunAsync()
    {
        await UploadAsync(_photos[0]); // warm-up of connections and code
        var (memory, tensors) = (await MetricAsync("process_resident_memory_bytes"), await MetricAsync("photodesk_tensors"));

        List<LoadPhase> phases = [await PhaseAsync("quiet", () => Task.Delay(settings.Seconds))];
        if (settings.Retrain)
            phases.Add(await PhaseAsync("retraining", RetrainAsync));
        if (settings.Switch)
            phases.Add(await PhaseAsync("switching", SwitchAsync));

        Console.WriteLine(LoadPhase.Header);
        foreach (var phase in phases)
            Console.WriteLine(phase);
        foreach (var error in phases.SelectMany(phase => phase.Errors))
            Console.WriteLine($"  {error}");
        var (memoryAfter, tensorsAfter) = (await MetricAsync("process_resident_memory_bytes"), await MetricAsync("photodesk_tensors"));
        Console.WriteLine(FormattableString.Invariant(
            $"the server's memory: {memory / 1048576:0} MiB before, {memoryAfter / 1048576:0} MiB after; tensors: {tensors} before, ")
            + FormattableString.Invariant($"{tensorsAfter} after"));
        Console.WriteLine($"lost: {phases.Sum(phase => phase.Lost)} of {phases.Sum(phase => phase.Sent)}");
        return phases.Sum(phase => phase.Lost) == 0 ? 0 : 1;
    }

    /// <summary>Runs the callers until <paramref name="meanwhile"/> has completed, with at least one call each.</summary>
    private async Task<LoadPhase> PhaseAsync(string name, Func<Task> meanwhile)
    {
        var phase = new LoadPhase(name);
        using var ended = new CancellationTokenSource();
        var callers = Enumerable.Range(0, settings.Callers).Select(caller => Task.Run(async () =>
        {
            var i = caller;
            do
                await CallAsync(phase, _photos[i++ % _photos.Length]);
            while (!ended.IsCancellationRequested);
        })).ToArray();
        try
        {
            await meanwhile();
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(callers);
            phase.End();
        }
        return phase;
    }

    private async Task CallAsync(LoadPhase phase, byte[] photo)
    {
        phase.Send();
        var start = Stopwatch.GetTimestamp();
        try
        {
            var scored = await UploadAsync(photo);
            if (Math.Abs(scored.Probabilities.Sum(p => p.Probability) - 1) > 1e-3)
                throw new InvalidDataException("the probabilities are none");
            phase.Answered(Stopwatch.GetElapsedTime(start).TotalSeconds, scored.ModelId);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidDataException or OperationCanceledException or JsonException)
        {
            phase.Failed(e.Message);
        }
    }

    private async Task<Photo> UploadAsync(byte[] photo)
    {
        using var content = new MultipartFormDataContent { { new ByteArrayContent(photo), "photos", "load.jpg" } };
        using var response = await _http.PostAsync("api/photos", content);
        if ((int)response.StatusCode == StatusCodes.Status429TooManyRequests)
            throw new InvalidDataException("429: the desk limits its callers; start it with --PhotoDesk:RequestsPerSecond 100000");
        response.EnsureSuccessStatusCode();
        var result = (await response.Content.ReadFromJsonAsync<UploadAnswer>(Json))!.Results.Single();
        return result.Photo ?? throw new InvalidDataException(result.Error);
    }

    /// <summary>Labels photos, requests a training and waits for its end; stops it if it makes no progress under the load.</summary>
    private async Task RetrainAsync()
    {
        for (var i = 0; i < 8; i++)
        {
            var photo = await UploadAsync(_photos[i]);
            (await _http.PutAsJsonAsync($"api/photos/{photo.Id}/label", new { label = photo.PredictedLabel })).EnsureSuccessStatusCode();
        }
        (await _http.PostAsync("api/trainings", null)).EnsureSuccessStatusCode();
        var start = Stopwatch.GetTimestamp();
        for (Training? training = null; training is not { HasEnded: true }; await Task.Delay(500))
        {
            training = await _http.GetFromJsonAsync<Training>("api/trainings/latest", Json);
            if (training!.State == TrainingState.Running && Stopwatch.GetElapsedTime(start) > LongestTraining)
                (await _http.PostAsync("api/trainings/latest/stop", null)).Dispose(); // it ends with the best epoch so far
        }
    }

    /// <summary>Alternates between the newest and the previously served model, twice per second.</summary>
    private async Task SwitchAsync()
    {
        var models = (await _http.GetFromJsonAsync<ModelInfo[]>("api/models", Json))!;
        if (models.Length < 2)
            throw new InvalidOperationException("There is one model only, and nothing to switch to: say --during retrain,switch.");
        var switches = 0;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < settings.Seconds || switches % 2 == 1; switches++)
        {
            using var answer = await _http.PostAsync(
                switches % 2 == 0 ? $"api/models/{models.First(model => !model.Active).Id}/activate" : "api/models/rollback", null);
            answer.EnsureSuccessStatusCode();
            await Task.Delay(500);
        }
        Console.WriteLine($"{switches} switches");
    }

    private async Task<double> MetricAsync(string name)
    {
        var page = await _http.GetStringAsync("metrics");
        return double.Parse(page.Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal))[name.Length..],
            CultureInfo.InvariantCulture);
    }

    private static byte[] Draw(int index)
    {
        using var picture = SurfaceImages.Draw(seed: 99, index % SurfaceImages.Kinds.Count, index, size: 320);
        using var jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
        return jpeg.ToArray();
    }
}
