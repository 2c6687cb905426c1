using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace MlNetFineTune.Tool.Tests;

[TestClass]
public sealed class ServeTests
{
    [TestMethod]
    public async Task PhotosArePredictedOverHttp()
    {
        await using Server server = await Server.StartAsync(Samples.PhotoModel, "--max-mib", "1");
        byte[] dark = File.ReadAllBytes(Path.Combine(Samples.TestPhotos, "dark", "1.png"));

        JsonElement[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            await (await server.Http.PostAsync("predict", new ByteArrayContent(dark))).Content.ReadFromJsonAsync<JsonElement>()));
        using HttpResponseMessage bad = await server.Http.PostAsync("predict", new StringContent("This is no picture."));
        using HttpResponseMessage empty = await server.Http.PostAsync("predict", new ByteArrayContent([]));
        using var tooLarge = new HttpRequestMessage(HttpMethod.Post, "predict")
        {
            Content = new ByteArrayContent(new byte[(1 << 20) + 1]),
            Headers = { ExpectContinue = true }, // is answered before it is sent
        };
        using HttpResponseMessage large = await server.Http.SendAsync(tooLarge);
        JsonElement health = await server.Http.GetFromJsonAsync<JsonElement>("health");
        using var elsewhere = new HttpRequestMessage(HttpMethod.Get, "health") { Headers = { Host = "example.org" } };
        using HttpResponseMessage rebound = await server.Http.SendAsync(elsewhere);

        foreach (JsonElement answer in answers)
        {
            Assert.AreEqual("dark", answer.GetProperty("class").GetString());
            Assert.AreEqual(1, answer.GetProperty("probabilities").EnumerateObject().Sum(one => one.Value.GetDouble()), 1e-5);
        }
        Assert.AreEqual(HttpStatusCode.UnprocessableEntity, bad.StatusCode);
        StringAssert.StartsWith(
            (await bad.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString(), "it is not a picture in a known format");
        Assert.AreEqual(HttpStatusCode.BadRequest, empty.StatusCode);
        Assert.AreEqual(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.AreEqual("ok", health.GetProperty("status").GetString());
        Assert.AreEqual(2, health.GetProperty("classes").GetArrayLength());
        Assert.AreEqual(HttpStatusCode.BadRequest, rebound.StatusCode);
    }

    [TestMethod]
    public async Task TextsArePredictedAsTheyAreAndAsJson()
    {
        await using Server server = await Server.StartAsync(Samples.TextModel);

        using HttpResponseMessage plain = await server.Http.PostAsync("predict", new StringContent("Where is my parcel?"));
        using HttpResponseMessage json = await server.Http.PostAsJsonAsync("predict", new { text = "Where is my parcel?" });
        using HttpResponseMessage noJson = await server.Http.PostAsync(
            "predict", new StringContent("{", System.Text.Encoding.UTF8, "application/json"));
        using HttpResponseMessage otherCharset = await server.Http.PostAsync(
            "predict", JsonWithCharset("""{"text":"Where is my parcel?"}"""));
        using HttpResponseMessage noText = await server.Http.PostAsJsonAsync("predict", new { text = "" });

        Assert.AreEqual("question", (await plain.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("class").GetString());
        Assert.AreEqual(await plain.Content.ReadAsStringAsync(), await json.Content.ReadAsStringAsync());
        Assert.AreEqual(HttpStatusCode.BadRequest, noJson.StatusCode);
        Assert.AreEqual(HttpStatusCode.OK, otherCharset.StatusCode);
        Assert.AreEqual(await plain.Content.ReadAsStringAsync(), await otherCharset.Content.ReadAsStringAsync());
        Assert.AreEqual(HttpStatusCode.BadRequest, noText.StatusCode);
        StringAssert.StartsWith(
            (await noText.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString(), "The request is empty");
    }

    // There is no such encoding.
    private static ByteArrayContent JsonWithCharset(string json) => new(System.Text.Encoding.UTF8.GetBytes(json))
    {
        Headers = { ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "foo" } },
    };

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public async Task CtrlCEndsTheServer()
    {
        await using Server server = await Server.StartAsync(Samples.PhotoModel);

        Signals.Send(server.Process.Id, Signals.Interrupt);

        Assert.IsTrue(server.Process.WaitForExit(Patience.Limit));
        Assert.AreEqual(0, server.Process.ExitCode);
    }

    /// <summary>A server on a free port.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private Server(Process process, HttpClient http) => (Process, Http) = (process, http);

        public Process Process { get; }

        public HttpClient Http { get; }

        public static async Task<Server> StartAsync(string model, params string[] options)
        {
            Process process = ToolRun.Start(["serve", model, "--url", "http://127.0.0.1:0", "--json", .. options]);
            Task<string> error = process.StandardError.ReadToEndAsync();
            string line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience.Limit)
                ?? throw new InvalidOperationException(await error);
            string url = JsonDocument.Parse(line).RootElement.GetProperty("urls")[0].GetString()!;
            return new Server(process, new HttpClient { BaseAddress = new Uri(url), Timeout = Patience.Limit });
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (!Process.HasExited)
                Process.Kill(entireProcessTree: true);
            await Process.WaitForExitAsync();
            Process.Dispose();
        }
    }
}
