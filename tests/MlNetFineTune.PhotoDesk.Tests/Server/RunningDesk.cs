using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using PhotoDesk;
using QuickStart;
using SkiaSharp;
using DeskTraining = PhotoDesk.Training; // and not the library's namespace

namespace MlNetFineTune.PhotoDesk.Tests.Server;
/// <summary>The application in this process, on a free port of the loopback, with a client. Its data outlive a stop.</summary>
internal sealed class RunningDesk : IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };
    private readonly string[] _options;
    private WebApplication? _app;

    private RunningDesk(string[] options) => _options = options;

    public DirectoryInfo Data { get; } = Directory.CreateTempSubdirectory("photodesk-");

    public HttpClient Http { get; private set; } = null!;

    public IServiceProvider Services => _app!.Services;

    public static async Task<RunningDesk> StartAsync(params string[] options)
    {
        var desk = new RunningDesk(options);
        await desk.StartAgainAsync();
        return desk;
    }

    public async Task StartAgainAsync()
    {
        _app =
            PhotoDeskApp.Build(
                ["--urls", "http://127.0.0.1:0", "--data", Data.FullName, "--PhotoDesk:EmbeddedPerClass", "12",
                "--Logging:LogLevel:Default", "None",
            "--shutdownTimeoutSeconds", $"{Patience.Limit.TotalSeconds}", .. _options]);
        await _app.StartAsync();
        // Whoever asks before he sends (Expect: 100-continue) waits for the answer, however busy the machine is.
        var asking = new SocketsHttpHandler { Expect100ContinueTimeout = Patience.Limit };
        Http = new HttpClient(asking)
        {
            Timeout = Patience.Limit,
            BaseAddress = new Uri(_app.Urls.Single()),
            DefaultRequestHeaders = { { "X-PhotoDesk", "1" } }
        };
    }

    /// <summary>In good order.</summary>
    public async Task StopAsync()
    {
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await StopAsync();
        Data.Delete(recursive: true);
    }

    /// <summary>Changes the database as a program would have left it.</summary>
    public void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Data.FullName, "photodesk.db")};Pooling=false");
        connection.Open();
        connection.Execute(sql);
    }

    public async Task<IReadOnlyList<UploadResult>> UploadAsync(params (string Name, byte[] Content)[] files)
    {
        using var response = await Http.PostAsync("api/photos", Form(files));
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<UploadAnswer>(s_json))!.Results;
    }

    public async Task<T> GetAsync<T>(string address) => (await Http.GetFromJsonAsync<T>(address, s_json))!;

    public async Task<T> PostAsync<T>(string address)
    {
        using var response = await Http.PostAsync(address, null);
        Assert.IsTrue(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<T>(s_json))!;
    }

    public Task<HttpResponseMessage> LabelAsync(long id, string label) => Http.PutAsJsonAsync($"api/photos/{id}/label", new { label });

    /// <summary>Uploads and labels a photo of each kind.</summary>
    public async Task<IReadOnlyList<Photo>> TeachAsync()
    {
        var results = await UploadAsync([.. SurfaceImages.Kinds.Select((kind, i) => ($"{kind}.jpg", Picture(i)))]);
        foreach (var (result, kind) in results.Zip(SurfaceImages.Kinds))
            (await LabelAsync(result.Photo!.Id, kind)).EnsureSuccessStatusCode();
        return [.. results.Select(result => result.Photo!)];
    }

    public async Task<DeskTraining> UntilAsync(Func<DeskTraining, bool> reached)
    {
        DeskTraining? training = null;
        await Patience.UntilAsync(async () => (training = await GetAsync<DeskTraining>("api/trainings/latest")) is not null
            && reached(training), "the training has come so far");
        return training!;
    }

    /// <summary>Of the metrics page; 0 where it is not there yet.</summary>
    public async Task<long> MetricAsync(string series) =>
        (await Http.GetStringAsync("metrics")).Split('\n')
            .FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
            ? long.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture)
            : 0;

    public static MultipartFormDataContent Form(params (string Name, byte[] Content)[] files)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, content) in files)
        {
            var part = new ByteArrayContent(content);
            part.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data") { Name = "photos", FileNameStar = name };
            form.Add(part);
        }
        return form;
    }

    /// <summary>A surface that is not embedded.</summary>
    public static byte[] Picture(int index, SKEncodedImageFormat format = SKEncodedImageFormat.Jpeg)
    {
        using var picture = SurfaceImages.Draw(seed: 77, index % SurfaceImages.Kinds.Count, index);
        using var file = picture.Encode(format, quality: 90);
        return file.ToArray();
    }
}
