using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using SkiaSharp;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>For any upload the response is a prediction or a reason, and the server keeps running.</summary>
[TestClass]
public sealed class UploadTests
{
    private static RunningDesk s_desk = null!;

    [ClassInitialize]
    public static async Task StartAsync(TestContext _) =>
        s_desk = await RunningDesk.StartAsync(
            "--PhotoDesk:LargestPhotoBytes", "200000", "--PhotoDesk:LargestUploadBytes", "1000000", "--PhotoDesk:LargestUpload", "9",
            "--PhotoDesk:LargestPixels", "1000000");

    [ClassCleanup]
    public static async Task StopAsync() => await s_desk.DisposeAsync();

    [TestMethod]
    public async Task EveryFileOfAnUploadHasItsAnswerInTheOrderSent()
    {
        var jpeg = RunningDesk.Picture(1);

        var results = await s_desk.UploadAsync(
            ("a.jpg", jpeg), ("empty.jpg", []), ("b.png", RunningDesk.Picture(2, SKEncodedImageFormat.Png)),
            ("text.jpg", "not a picture"u8.ToArray()), ("half.jpg", jpeg[..(jpeg.Length / 4)]),
            ("bomb.png", PngThatClaims(60_000, 60_000)),
            ("page.jpg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"u8.ToArray()),
            ("large.jpg", new byte[200_001]), ("c.webp", RunningDesk.Picture(3, SKEncodedImageFormat.Webp)));

        CollectionAssert.AreEqual(
            new[] { "a.jpg", "empty.jpg", "b.png", "text.jpg", "half.jpg", "bomb.png", "page.jpg", "large.jpg", "c.webp" },
            results.Select(r => r.Name).ToArray());
        CollectionAssert.AreEqual(new[] { true, false, true, false, false, false, false, false, true },
            results.Select(r => r.Photo is not null).ToArray());
        Assert.IsTrue(results.All(r => r.Photo is null == r.Error is not null));
        StringAssert.Contains(results[5].Error, "60000 x 60000");
        StringAssert.Contains(results[7].Error, "larger than 0.2 MiB");
        foreach (var photo in results.Select(r => r.Photo).OfType<global::PhotoDesk.Photo>())
        {
            Assert.AreEqual(1, photo.Probabilities.Sum(p => p.Probability), 1e-5);
            Assert.AreEqual(photo.PredictedLabel, photo.Probabilities.MaxBy(p => p.Probability)!.Label);
        }
    }

    [TestMethod]
    public async Task AnAnswerIsExplainedOverThePhoto()
    {
        var id = (await s_desk.UploadAsync(("a.png", RunningDesk.Picture(6, SKEncodedImageFormat.Png))))[0].Photo!.Id;

        using var answer = await s_desk.Http.GetAsync($"api/photos/{id}/why");
        Assert.AreEqual("image/jpeg", answer.Content.Headers.ContentType!.MediaType);
        using var explained = SKBitmap.Decode(await answer.Content.ReadAsByteArrayAsync());
        using var photo = SKBitmap.Decode(await s_desk.Http.GetByteArrayAsync($"api/photos/{id}/image"));
        Assert.AreEqual((photo.Width, photo.Height), (explained.Width, explained.Height));
        var change = photo.Pixels.Zip(explained.Pixels).Select(pair => Math.Abs(pair.First.Red - pair.Second.Red)).ToArray();
        Assert.IsGreaterThan(60, change.Max(), "somewhere it is hot");

        using var none = await s_desk.Http.GetAsync("api/photos/987654321/why");
        Assert.AreEqual(HttpStatusCode.NotFound, none.StatusCode);
    }

    [TestMethod]
    public async Task APhotoComesBackByteForByteWithTheTypeOfItsContent()
    {
        var png = RunningDesk.Picture(5, SKEncodedImageFormat.Png);
        var id = (await s_desk.UploadAsync(("called.html", png)))[0].Photo!.Id;

        using var image = await s_desk.Http.GetAsync($"api/photos/{id}/image");
        Assert.AreEqual("image/png", image.Content.Headers.ContentType!.MediaType);
        Assert.AreEqual("nosniff", image.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.AreEqual("default-src 'none'; sandbox", image.Headers.GetValues("Content-Security-Policy").Single());
        CollectionAssert.AreEqual(png, await image.Content.ReadAsByteArrayAsync());

        using var thumbnail = SKBitmap.Decode(await s_desk.Http.GetByteArrayAsync($"api/photos/{id}/thumbnail"));
        Assert.AreEqual((96, 96), (thumbnail.Width, thumbnail.Height));
    }

    [TestMethod]
    [DataRow("../../etc/passwd.jpg", "passwd.jpg")]
    [DataRow(@"C:\Users\me\photo.jpg", "photo.jpg")]
    [DataRow("/", "photo")]
    [DataRow("a\u0000b\u202Egpj.exe", "abgpj.exe")]
    [DataRow("<img src=x>.jpg", "<img src=x>.jpg")]
    public async Task ANameIsTextWithoutFolders(string sent, string shown) =>
        Assert.AreEqual(shown, (await s_desk.UploadAsync((sent, RunningDesk.Picture(0))))[0].Photo!.Name);

    [TestMethod]
    public async Task WhatIsNoUploadIsRefusedAndLeavesNothing()
    {
        var before = await s_desk.GetAsync<global::PhotoDesk.PhotoPage>("api/photos");
        var picture = RunningDesk.Picture(0);

        await RefusedAsync(HttpStatusCode.UnsupportedMediaType, new StringContent("{}", Encoding.UTF8, "application/json"));
        await RefusedAsync(HttpStatusCode.UnsupportedMediaType, null);
        await RefusedAsync(HttpStatusCode.BadRequest, RunningDesk.Form());
        await RefusedAsync(HttpStatusCode.BadRequest, new MultipartFormDataContent { { new ByteArrayContent(picture), "other", "a.jpg" } });
        await RefusedAsync(HttpStatusCode.BadRequest,
            Raw("--x\r\nContent-Disposition: form-data; name=\"photos\"; filename=\"a.jpg\"\r\n\r\nit ends"));
        await RefusedAsync(HttpStatusCode.RequestEntityTooLarge, RunningDesk.Form([.. Enumerable.Repeat(("a.jpg", picture), 10)]));
        await RefusedAsync(HttpStatusCode.RequestEntityTooLarge,
            RunningDesk.Form([("a.jpg", picture), .. Enumerable.Repeat(("b.jpg", new byte[190_000]), 6)]));

        Assert.AreEqual(before.Total, (await s_desk.GetAsync<global::PhotoDesk.PhotoPage>("api/photos")).Total);

        static ByteArrayContent Raw(string body)
        {
            var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
            content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");
            return content;
        }
    }

    private static async Task RefusedAsync(HttpStatusCode expected, HttpContent? body)
    {
        // The desk answers what is too large from its length and closes: a client that sends all the same may see a broken pipe instead.
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/photos")
        {
            Content = body,
            Headers = { ExpectContinue = body is not null }
        };
        using var response = await s_desk.Http.SendAsync(request);
        Assert.AreEqual(expected, response.StatusCode);
        Assert.AreEqual("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = await response.Content.ReadAsStringAsync();
        Assert.IsFalse(problem.Contains("   at ", StringComparison.Ordinal)
            || problem.Contains(s_desk.Data.FullName, StringComparison.Ordinal)
            || problem.Contains("Exception", StringComparison.Ordinal), problem);
    }

    // A signature and a header with a right checksum; a decoder would ask for 14 GB.
    private static byte[] PngThatClaims(int width, int height)
    {
        byte[] file = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R', 0, 0,
            0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)'I', (byte)'D', (byte)'A', (byte)'T', 0x35, 0xAF, 0x06, 0x1E];
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc32(file.AsSpan(12, 17)));
        return file;
    }

    private static uint Crc32(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }
        return ~crc;
    }
}
