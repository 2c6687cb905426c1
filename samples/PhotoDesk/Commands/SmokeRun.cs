using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using QuickStart;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>
/// <c>--smoke</c>: all steps in a few seconds, over HTTP, in a temporary folder: upload, correct, retrain, compare, switch models, roll
/// back.
/// </summary>
internal static class SmokeRun
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };

    public static async Task<int> RunAsync()
    {
        var data = Directory.CreateTempSubdirectory("photodesk-smoke-");
        try
        {
            await using var app = PhotoDeskApp.Build(
                ["--urls", "http://127.0.0.1:0", "--data", data.FullName, "--PhotoDesk:EmbeddedPerClass", "20", "--PhotoDesk:Epochs", "1",
                    "--Logging:LogLevel:Default", "Warning"]);
            await app.StartAsync();
            using var http = new HttpClient
            {
                Timeout = TimeSpan.FromMinutes(10),
                BaseAddress = new Uri(app.Urls.Single()),
                DefaultRequestHeaders = { { "X-PhotoDesk", "1" } }
            };
            await LiveAsync(http);
            await app.StopAsync();
            return 0;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static async Task LiveAsync(HttpClient http)
    {
        Console.WriteLine($"A desk at {http.BaseAddress}");
        var uploaded = await PostAsync<UploadAnswer>(http, "api/photos", Upload());
        Photo[] photos = [.. uploaded.Results.Select(result => result.Photo!)];
        Console.WriteLine(
            $"Uploaded {photos.Length} photos: "
            + $"{string.Join(", ", photos.Select(photo => photo.PredictedLabel + (photo.Rejected ? " (unsure)" : "")))}");

        foreach (var (photo, kind) in photos.Zip(SurfaceImages.Kinds))
            (await http.PutAsJsonAsync($"api/photos/{photo.Id}/label", new { label = kind })).EnsureSuccessStatusCode();
        Console.WriteLine($"Labelled them: {string.Join(", ", SurfaceImages.Kinds)}");

        await PostAsync<Training>(http, "api/trainings");
        await http.GetStringAsync("api/trainings/latest/events"); // the stream ends with the training
        var training = await http.GetFromJsonAsync<Training>("api/trainings/latest", Json);
        Console.WriteLine($"Training {training!.Id} {training.State}: {training.Message}");

        var comparison = await http.GetFromJsonAsync<Comparison>($"api/models/{training.ModelId}/comparison", Json);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"On {comparison!.HeldOut} held-out photos: "
                + $"accuracy {comparison.Current.Accuracy:0.00} -> {comparison.Candidate.Accuracy:0.00}, "
                + $"F1 {comparison.Current.F1:0.00} -> {comparison.Candidate.F1:0.00}, {comparison.Changed.Count} changed"));

        var next = await PostAsync<ModelInfo>(http, $"api/models/{training.ModelId}/activate");
        Console.WriteLine($"Switched over: model {next.Id} answers, as {await AnsweredByAsync(http)} says");
        var back = await PostAsync<ModelInfo>(http, "api/models/rollback");
        Console.WriteLine($"Rolled back: model {back.Id} answers, as {await AnsweredByAsync(http)} says");
    }

    private static async Task<string> AnsweredByAsync(HttpClient http)
    {
        var uploaded = await PostAsync<UploadAnswer>(http, "api/photos", Upload());
        return $"model {uploaded.Results[0].Photo!.ModelId}";
    }

    private static MultipartFormDataContent Upload()
    {
        var content = new MultipartFormDataContent();
        for (var kind = 0; kind < SurfaceImages.Kinds.Count; kind++)
        {
            using var picture = SurfaceImages.Draw(seed: 5, kind, index: 0);
            using var png = picture.Encode(SKEncodedImageFormat.Png, quality: 100);
            content.Add(new ByteArrayContent(png.ToArray()), "photos", $"photo-{kind + 1}.png");
        }
        return content;
    }

    private static async Task<T> PostAsync<T>(HttpClient http, string address, HttpContent? content = null)
    {
        using var response = await http.PostAsync(address, content);
        return response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<T>(Json))!
            : throw new InvalidOperationException(
                $"POST {address}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }
}
