using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using PhotoDesk;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Labels, tables, headers, limits: what does not need a training.</summary>
[TestClass]
public sealed partial class DoorTests
{
    private static RunningDesk s_desk = null!;

    [ClassInitialize]
    public static async Task StartAsync(TestContext _) => s_desk = await RunningDesk.StartAsync();

    [ClassCleanup]
    public static async Task StopAsync() => await s_desk.DisposeAsync();

    [TestMethod]
    public async Task ALabelIsSetChangedAndTakenBack()
    {
        var id = (await s_desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.Id;

        (await s_desk.LabelAsync(id, "crack")).EnsureSuccessStatusCode();
        Assert.AreEqual("crack", (await s_desk.GetAsync<Photo>($"api/photos/{id}")).CorrectedLabel);
        (await s_desk.LabelAsync(id, "stain")).EnsureSuccessStatusCode();
        Assert.AreEqual("stain", (await s_desk.GetAsync<Photo>($"api/photos/{id}")).CorrectedLabel);
        Assert.AreEqual(HttpStatusCode.BadRequest, (await s_desk.LabelAsync(id, "no such class")).StatusCode);
        (await s_desk.Http.DeleteAsync($"api/photos/{id}/label")).EnsureSuccessStatusCode();
        Assert.IsNull((await s_desk.GetAsync<Photo>($"api/photos/{id}")).CorrectedLabel);
        Assert.AreEqual(HttpStatusCode.NoContent, (await s_desk.Http.DeleteAsync($"api/photos/{id}")).StatusCode);
        Assert.AreEqual(HttpStatusCode.NotFound, (await s_desk.Http.GetAsync($"api/photos/{id}/image")).StatusCode);
        Assert.AreEqual(HttpStatusCode.NotFound, (await s_desk.LabelAsync(id, "crack")).StatusCode);
    }

    [TestMethod]
    public async Task EmbeddedPicturesAreNoPhotosOfTheDesk()
    {
        (await s_desk.Http.GetAsync("api/photos/1/image")).EnsureSuccessStatusCode(); // a comparison shows them
        Assert.AreEqual(HttpStatusCode.NotFound, (await s_desk.LabelAsync(1, "crack")).StatusCode);
        Assert.AreEqual(HttpStatusCode.NotFound, (await s_desk.Http.DeleteAsync("api/photos/1")).StatusCode);
    }

    [TestMethod]
    public async Task TheTableRunsNoFormulas()
    {
        foreach (var name in (string[])["=HYPERLINK(1).jpg", "+1.jpg", "-1.jpg", "@SUM.jpg", "a,\"b\".jpg"])
            await s_desk.UploadAsync((name, RunningDesk.Picture(1)));
        var cells = (await s_desk.Http.GetStringAsync("api/photos.csv")).Split("\r\n").Select(line => line.Split(',', 2))
            .Where(line => line.Length == 2).Select(line => line[1]).ToList();

        foreach (var cell in (string[])["'=HYPERLINK(1).jpg,", "'+1.jpg,", "'-1.jpg,", "'@SUM.jpg,", "\"a,\"\"b\"\".jpg\","])
            Assert.AreEqual(1, cells.Count(line => line.StartsWith(cell, StringComparison.Ordinal)), cell);
    }

    [TestMethod]
    [DataRow("POST", "api/photos")]
    [DataRow("POST", "api/trainings")]
    [DataRow("POST", "api/models/rollback")]
    [DataRow("POST", "api/models/1/activate")]
    [DataRow("PUT", "api/photos/1/label")]
    [DataRow("DELETE", "api/photos/1")]
    public async Task WhatChangesSomethingNeedsTheHeaderThatOnlyOurPageSends(string method, string address)
    {
        using var stranger = new HttpClient { BaseAddress = s_desk.Http.BaseAddress };
        using var response = await stranger.SendAsync(new HttpRequestMessage(new HttpMethod(method), address));
        Assert.AreEqual(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [TestMethod]
    public async Task AnotherNameIsNotAnswered()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/photos") { Headers = { Host = "evil.example" } };
        Assert.AreEqual(HttpStatusCode.BadRequest, (await s_desk.Http.SendAsync(request)).StatusCode);
    }

    [TestMethod]
    [DataRow("api/nowhere", HttpStatusCode.NotFound)]
    [DataRow("api/photos?take=100000", HttpStatusCode.BadRequest)]
    [DataRow("api/photos?skip=x", HttpStatusCode.BadRequest)]
    [DataRow("api/photos/999999", HttpStatusCode.NotFound)]
    [DataRow("api/models/99/comparison", HttpStatusCode.NotFound)]
    [DataRow("wwwroot/../photodesk.db", HttpStatusCode.NotFound)]
    [DataRow("%2e%2e/%2e%2e/photodesk.db", HttpStatusCode.NotFound)]
    public async Task AnErrorIsAProblemWithoutAPath(string address, HttpStatusCode expected)
    {
        using var response = await s_desk.Http.GetAsync(address);
        Assert.AreEqual(expected, response.StatusCode);
        Assert.AreEqual("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain(s_desk.Data.FullName, await response.Content.ReadAsStringAsync());
    }

    [TestMethod]
    public async Task ABodyThatIsNoJsonIsABadRequest()
    {
        using var response = await s_desk.Http.PutAsync("api/photos/1/label", new StringContent("{", Encoding.UTF8, "application/json"));
        Assert.AreEqual(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.DoesNotContain("Exception", await response.Content.ReadAsStringAsync());
    }

    [TestMethod]
    public async Task ThePageMayLoadNothingFromOutside()
    {
        using var response = await s_desk.Http.GetAsync("");
        response.EnsureSuccessStatusCode();
        StringAssert.StartsWith(response.Headers.GetValues("Content-Security-Policy").Single(), "default-src 'self';");
        Assert.AreEqual("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.AreEqual("DENY", response.Headers.GetValues("X-Frame-Options").Single());
        Assert.IsFalse(response.Headers.Contains("Server"));
    }

    [TestMethod]
    public async Task MetricsCountWhatWasAsked()
    {
        await s_desk.Http.GetAsync("api/classes");
        var before = await CountAsync("GET /api/classes");
        for (var i = 0; i < 3; i++)
            await s_desk.Http.GetAsync("api/classes");

        Assert.AreEqual(before + 3, await CountAsync("GET /api/classes"));
        foreach (var line in (await s_desk.Http.GetStringAsync("metrics")).TrimEnd('\n').Split('\n'))
            Assert.IsTrue(Sample().IsMatch(line), line);
        Assert.AreEqual("""{"status":"ok","modelId":1}""", await s_desk.Http.GetStringAsync("health"));

        static async Task<int> CountAsync(string route) =>
            int.Parse(
                Regex.Match(await s_desk.Http.GetStringAsync("metrics"),
                    $"photodesk_requests_total{{route=\"{route}\",status=\"200\"}} ([0-9]+)").Groups[1].Value);
    }

    [TestMethod]
    public async Task ADatabaseThatDoesNotAnswerIsNoHealth()
    {
        s_desk.Execute("ALTER TABLE models RENAME TO elsewhere");
        using var ill = await s_desk.Http.GetAsync("health");
        using var failed = await s_desk.Http.GetAsync("api/models");
        s_desk.Execute("ALTER TABLE elsewhere RENAME TO models");

        Assert.AreEqual(HttpStatusCode.ServiceUnavailable, ill.StatusCode);
        Assert.AreEqual(HttpStatusCode.InternalServerError, failed.StatusCode);
        foreach (var answer in (HttpResponseMessage[])[ill, failed])
        {
            Assert.AreEqual("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
            Assert.DoesNotContain("SQL", await answer.Content.ReadAsStringAsync());
        }
        (await s_desk.Http.GetAsync("health")).EnsureSuccessStatusCode();
    }

    [TestMethod]
    public async Task TooManyRequestsWait()
    {
        await using var busy = await RunningDesk.StartAsync("--PhotoDesk:RequestsPerSecond", "1"); // and ten saved up
        const int Requests = 100;
        var start = Environment.TickCount64;
        var answers = await Task.WhenAll(Enumerable.Range(0, Requests).Select(_ => busy.Http.GetAsync("api/classes")));
        var seconds = (int)Math.Ceiling((Environment.TickCount64 - start) / 1000.0);

        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.IsTrue(refused.Count <= Requests - 10 && refused.Count >= Requests - 10 - 1 - seconds,
            $"{refused.Count} of {Requests} in {seconds} seconds");
        Assert.IsNotEmpty(refused);
        Assert.IsTrue(
            refused.All(answer => answer.Headers.RetryAfter is not null && answer.Content.Headers.ContentType!.MediaType
                == "application/problem+json"));
        (await busy.Http.GetAsync("health")).EnsureSuccessStatusCode(); // monitoring is not refused
    }

    [TestMethod]
    public async Task ADataFolderBelongsToOneDesk()
    {
        var second = PhotoDeskApp.Build(
            ["--urls", "http://127.0.0.1:0", "--data", s_desk.Data.FullName, "--Logging:LogLevel:Default", "None"]);
        var refused = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => second.StartAsync());
        StringAssert.StartsWith(refused.Message, "Another PhotoDesk works in");
        await second.DisposeAsync();
    }

    // https://prometheus.io/docs/instrumenting/exposition_formats
    [GeneratedRegex("""^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [-+.0-9eE]+)$""")]
    private static partial Regex Sample();
}
