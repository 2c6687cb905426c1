using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Slow, large or stalled uploads neither delay other requests nor use much memory.</summary>
[TestClass]
public sealed class SlowUploadsTests
{
    private const string Held = "photodesk_upload_bytes";
    private const int Part = 65_536; // what the reader takes at a time

    [TestMethod]
    public async Task UploadsThatNeverEndHoldNobodyUp()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:ConcurrentUploads", "1"); // and four that wait
        var slow = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => SlowUpload.BeginAsync(desk.Http.BaseAddress!, Part + 1000)));
        await Patience.UntilAsync(async () => await desk.MetricAsync(Held) == 12 * Part, "all twelve are being received");

        Assert.IsNotNull((await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo);

        Array.ForEach(slow, upload => upload.Dispose());
        await Patience.UntilAsync(async () => await desk.MetricAsync(Held) == 0, "nothing is held of uploads whose senders are gone");
    }

    [TestMethod]
    [DataRow("--PhotoDesk:LeastBytesPerSecond", "1000000", DisplayName = "slower than the least rate")]
    [DataRow("--PhotoDesk:UploadDeadline", "00:00:01", DisplayName = "not whole at the deadline")]
    public async Task AnUploadThatComesTooSlowlyIsGivenUp(string option, string value)
    {
        await using var desk = await RunningDesk.StartAsync(option, value);
        using var slow = await SlowUpload.BeginAsync(desk.Http.BaseAddress!, Part);

        StringAssert.StartsWith(await slow.TrickleAsync(), "HTTP/1.1 408");

        await Patience.UntilAsync(async () => await desk.MetricAsync("photodesk_requests_total{route=\"POST /api/photos\",status=\"408\"}")
            == 1, "it is counted as given up");
        Assert.AreEqual(0, await desk.MetricAsync(Held));
    }

    [TestMethod]
    public async Task UploadsTogetherHoldNoMoreMemoryThanIsSaid()
    {
        await using var desk = await RunningDesk.StartAsync(
            "--PhotoDesk:LargestUploadBytes", "1000000", "--PhotoDesk:LargestWaitingBytes", "1000000");
        var slow = await SlowUpload.BeginAsync(desk.Http.BaseAddress!, 13 * Part);
        await Patience.UntilAsync(async () => await desk.MetricAsync(Held) == 13 * Part, "the slow one is being received");

        using (var refused = await desk.Http.PostAsync("api/photos", RunningDesk.Form(("b.jpg", new byte[3 * Part]))))
        {
            Assert.AreEqual(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.AreEqual("1", refused.Headers.RetryAfter?.ToString());
        }
        Assert.AreEqual(13 * Part, await desk.MetricAsync(Held), "the refused one holds nothing");

        slow.Dispose();
        await Patience.UntilAsync(async () => await desk.MetricAsync(Held) == 0, "nothing is held any more");
        Assert.HasCount(1, await desk.UploadAsync(("b.jpg", new byte[3 * Part])));
    }

    [TestMethod]
    public async Task AnAddressHasNoMoreUploadsOpenThanIsSaid()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:UploadsPerAddress", "2");
        var slow = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => SlowUpload.BeginAsync(desk.Http.BaseAddress!, Part)));
        await Patience.UntilAsync(async () => await desk.MetricAsync(Held) == 2 * Part, "both are being received");

        using (var refused = await desk.Http.PostAsync("api/photos", RunningDesk.Form(("c.jpg", RunningDesk.Picture(0)))))
            Assert.AreEqual(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Array.ForEach(slow, upload => upload.Dispose());
        await Patience.UntilAsync(async () =>
        {
            using var answer = await desk.Http.PostAsync("api/photos", RunningDesk.Form(("c.jpg", RunningDesk.Picture(0))));
            return answer.StatusCode == HttpStatusCode.OK;
        }, "there is room again");
    }

    [TestMethod]
    public async Task WhatIsNoUploadIsSmall()
    {
        await using var desk = await RunningDesk.StartAsync();
        using var told = new HttpRequestMessage(HttpMethod.Put, "api/photos/1/label")
        {
            Content = new StringContent($"{{\"label\":\"{new string('x', 20_000)}\"}}", Encoding.UTF8, "application/json"),
            Headers = { ExpectContinue = true }, // refused by its length: who sends all the same may see a broken pipe
        };
        using var large = await desk.Http.SendAsync(told);
        Assert.AreEqual(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.AreEqual("application/problem+json", large.Content.Headers.ContentType!.MediaType);

        // Of unknown length, so that it is not refused by its head.
        using var request = new HttpRequestMessage(HttpMethod.Put, "api/photos/1/label")
        {
            Content = new StringContent($"{{\"label\":\"{new string('x', 20_000)}\"}}", Encoding.UTF8, "application/json")
        };
        request.Headers.TransferEncodingChunked = true;
        using var chunked = await desk.Http.SendAsync(request);
        Assert.AreEqual(HttpStatusCode.RequestEntityTooLarge, chunked.StatusCode);

        Assert.HasCount(1, await desk.UploadAsync(("a.jpg", new byte[100_000])), "an upload is larger");
    }

    [TestMethod]
    public async Task OneUploadMustFit()
    {
        var refused = await Assert.ThrowsExactlyAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => RunningDesk.StartAsync("--PhotoDesk:LargestUploadBytes", "2000", "--PhotoDesk:LargestWaitingBytes", "1999"));
        StringAssert.Contains(refused.Message, "LargestWaitingBytes must be no less than LargestUploadBytes");
    }
}
