using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.WeightSources;

[TestClass]
public sealed class DownloadTests
{
    private static readonly byte[] s_content = Bytes(1, 300_000);
    private static readonly byte[] s_other = Bytes(2, 280_000);

    private readonly InstantTime _time = new();
    private readonly string _folder = SmallPictures.NewFolder();

    private PretrainedWeights.Cache Cache => new() { Folder = _folder, IsOffline = false, Time = _time };

    [TestMethod]
    public async Task WhatIsDownloadedIsWholeCheckedAndUsedAgainWithoutAConnection()
    {
        var seen = new List<PretrainedWeights.DownloadProgress>();
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var weights = From(server);

        var path = await weights.DownloadAsync(new Synchronous(seen.Add));

        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(path));
        Assert.AreEqual(Path.Combine(_folder, "urls", Sha256(s_content), "net.safetensors"), path);
        Assert.AreEqual(path, await weights.DownloadAsync());
        Assert.AreEqual(path, weights.FindLocal()!.Path);
        Assert.HasCount(1, server.Requests);
        Assert.AreEqual(new PretrainedWeights.DownloadProgress("net.safetensors", 0, s_content.Length), seen[0]);
        Assert.AreEqual(new PretrainedWeights.DownloadProgress("net.safetensors", s_content.Length, s_content.Length), seen[^1]);
        using var receipt = JsonDocument.Parse(File.ReadAllText(path + ".receipt.json"));
        Assert.AreEqual("one", receipt.RootElement.GetProperty("ETag").GetString());
        Assert.AreEqual(Sha256(s_content), receipt.RootElement.GetProperty("Sha256").GetString());
        AssertNothingElseIn(Path.GetDirectoryName(path)!, "net.safetensors", "net.safetensors.receipt.json");
    }

    [TestMethod]
    public async Task ADownloadThatIsCancelledGoesOnWhereItStopped()
    {
        var pause = (After: 100_000, Reached: new TaskCompletionSource(), GoOn: new TaskCompletionSource());
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content) with { Pause = asked.From is null ? pause : null });
        using var cancel = new CancellationTokenSource();
        var download = From(server).DownloadAsync(null, cancel.Token);
        await pause.Reached.Task.WaitAsync(Patience.Limit);
        var part = Directory.EnumerateFiles(_folder, "*.part", SearchOption.AllDirectories).Single();
        await Patience.UntilAsync(() => Task.FromResult(new FileInfo(part).Length == 100_000), "what was sent is on the disk");
        cancel.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => download);
        Assert.IsNull(From(server).FindLocal(), "half a file must not be used");

        var path = await From(server).DownloadAsync();

        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(path));
        Assert.AreEqual(100_000L, server.Requests[1].From);
        Assert.AreEqual("\"one\"", server.Requests[1].Header("If-Range"));
        Assert.IsFalse(File.Exists(part));
    }

    [TestMethod]
    [DataRow("\"one\"")]
    [DataRow(null, DisplayName = "without an ETag the hash shows that the halves belong together")]
    public async Task ConnectionsThatBreakAreTakenUpAgain(string? etag)
    {
        var n = 0;
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content, etag) with { DropAfter = ++n < 3 ? 70_000 : null });
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await From(server).DownloadAsync()));
        CollectionAssert.AreEqual(new long?[] { null, 70_000, 140_000 }, server.Requests.Select(asked => asked.From).ToArray());
    }

    [TestMethod]
    public async Task AServerThatFallsSilentIsAskedAgain()
    {
        var n = 0;
        var time = new ManualTime();
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content) with { StallAfter = ++n == 1 ? 50_000 : null });
        var download = From(server, Cache with { StallTimeout = TimeSpan.FromHours(1), Time = time }).DownloadAsync();
        await Patience.UntilAsync(() => Task.FromResult(Parts().Sum(part => part.Length) == 50_000), "what was sent is on the disk");
        await Patience.UntilAsync(() => After(TimeSpan.FromHours(1), () => server.Requests.Count > 1), "the server is asked again");
        // pauses pass
        await Patience.UntilAsync(() => After(TimeSpan.FromSeconds(10), () => download.IsCompleted), "the download has ended");

        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await download));
        Assert.AreEqual(50_000L, server.Requests[1].From);

        IEnumerable<FileInfo> Parts() => new DirectoryInfo(_folder).EnumerateFiles("*.part", SearchOption.AllDirectories);

        Task<bool> After(TimeSpan later, Func<bool> isSo)
        {
            time.Advance(later);
            return Task.FromResult(isSo());
        }
    }

    [TestMethod]
    public async Task AServerThatKnowsNoRangesMakesUsBeginAgain()
    {
        var n = 0;
        using var server = new LoopbackServer(_ => new Answer(200, s_content) { DropAfter = ++n == 1 ? 70_000 : null });
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await From(server).DownloadAsync()));
        Assert.AreEqual(70_000L, server.Requests[1].From);
    }

    [TestMethod]
    [DataRow(true, DisplayName = "and says so")]
    [DataRow(false, DisplayName = "and continues all the same")]
    public async Task AFileThatChangesBetweenAttemptsIsNeverMixed(bool heedsIfRange)
    {
        var n = 0;
        using var server = new LoopbackServer(asked => ++n == 1
            ? Answer.File(asked, s_other, "\"old\"") with { DropAfter = 70_000 }
            : Answer.File(
                heedsIfRange ? asked : asked with { Headers = asked.Headers.Where(header => header.Key != "if-range").ToDictionary() },
                s_content, "\"new\""));
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await From(server).DownloadAsync()));
        Assert.HasCount(heedsIfRange ? 2 : 3, server.Requests);
    }

    [TestMethod]
    public async Task HalvesThatDoNotBelongTogetherAreFetchedOnceMore()
    {
        var n = 0;
        using var server = new LoopbackServer(
            asked => ++n == 1 ? Answer.File(asked, s_other, null) with { DropAfter = 70_000 } : Answer.File(asked, s_content, null));
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await From(server).DownloadAsync()));
        CollectionAssert.AreEqual(new long?[] { null, 70_000, null }, server.Requests.Select(asked => asked.From).ToArray());
    }

    [TestMethod]
    public async Task LeftoversOfAnySizeDoNoHarm()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        foreach (var length in (int[])[0, 1, 1000, s_content.Length, s_content.Length + 5])
        {
            var weights = From(server);
            var file = Path.Combine(_folder, "urls", Sha256(s_content), "net.safetensors");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.Delete(file);
            File.WriteAllBytes(file + ".part", Bytes(3, length));
            File.WriteAllText(file + ".part.json", "{ not json");
            CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await weights.DownloadAsync()), $"{length} bytes were there");
        }
    }

    [TestMethod]
    public async Task WrongBytesAreDeletedAndSaidToBeWrong()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_other));
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From(server).DownloadAsync());
        StringAssert.Contains(error.Message, $"expected SHA-256 {Sha256(s_content)}, found {Sha256(s_other)} (280000 bytes)");
        AssertNothingElseIn(Path.Combine(_folder, "urls", Sha256(s_content)));
        Assert.HasCount(1, server.Requests);
    }

    [TestMethod]
    public async Task AServerThatSaysLessThanItSendsIsFoundOut()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content) with { DeclaredLength = 1000 });
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From(server).DownloadAsync());
        StringAssert.Contains(error.Message, "(1000 bytes)");
    }

    [TestMethod]
    public async Task AServerThatSaysMoreThanItSendsIsGivenUp()
    {
        using var server = new LoopbackServer(asked => new Answer(200, s_content) { DeclaredLength = s_content.Length + 1 });
        await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(server).DownloadAsync());
        Assert.IsLessThanOrEqualTo(100, server.Requests.Count);
        Assert.IsNull(From(server).FindLocal());
    }

    [TestMethod]
    public async Task PausesGrowAndAServersOwnWishIsObeyed()
    {
        var n = 0;
        using var server = new LoopbackServer(asked => ++n switch
        {
            1 or 2 => Answer.Of(503),
            3 => Answer.Of(429, ("Retry-After", "77")),
            _ => Answer.File(asked, s_content),
        });
        await From(server).DownloadAsync();

        Assert.HasCount(4, server.Requests);
        var seconds = _time.Pauses.Select(pause => pause.TotalSeconds).ToArray();
        Assert.HasCount(3, seconds);
        Assert.IsTrue(seconds[0] is >= 0.5 and <= 1 && seconds[1] is >= 1 and <= 2 && seconds[2] == 77, string.Join(" ", seconds));
    }

    [TestMethod]
    public async Task AttemptsEnd()
    {
        using var busy = new LoopbackServer(_ => Answer.Of(503));
        var error = await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(busy).DownloadAsync());
        StringAssert.Contains(error.Message, "Given up after 5 attempts");
        Assert.AreEqual(HttpStatusCode.ServiceUnavailable, error.StatusCode);
        Assert.HasCount(5, busy.Requests);

        using var tomorrow = new LoopbackServer(_ => Answer.Of(429, ("Retry-After", "86400")));
        error = await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(tomorrow).DownloadAsync());
        StringAssert.Contains(error.Message, "1440 minutes");
        Assert.HasCount(1, tomorrow.Requests);

        using var absent = new LoopbackServer(_ => Answer.Of(404));
        error = await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(absent).DownloadAsync());
        Assert.AreEqual(HttpStatusCode.NotFound, error.StatusCode);
        Assert.HasCount(1, absent.Requests);

        // One byte for each attempt must not keep the download retrying for ever.
        using var miser = new LoopbackServer(asked => Answer.File(asked, s_content) with { DropAfter = 1 });
        await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(miser).DownloadAsync().WaitAsync(Patience.Limit));
        Assert.HasCount(100, miser.Requests);
    }

    [TestMethod]
    public async Task NobodyListeningIsAnErrorAfterSomeAttempts()
    {
        string address;
        using (var server = new LoopbackServer(_ => Answer.Of(200)))
            address = server.Address;
        var error = await Assert.ThrowsExactlyAsync<HttpRequestException>(() => PretrainedWeights.FromUrl(
            address + "net.safetensors", Sha256(s_content), Cache).DownloadAsync());
        StringAssert.Contains(error.Message, "cannot be reached");
        Assert.HasCount(4, _time.Pauses);
    }

    [TestMethod]
    public async Task ABodyWithoutEndIsCutOff()
    {
        using var server = new LoopbackServer(_ => new Answer(200, s_content) { UntilClosed = true, Endless = true });
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(
            () => From(server, Cache with { MaximumBytes = 1_000_000 }).DownloadAsync());
        StringAssert.Contains(error.Message, "1000000");
        AssertNothingElseIn(Path.Combine(_folder, "urls", Sha256(s_content)));
    }

    [TestMethod]
    public async Task SizesAreRefusedBeforeTheDiskFills()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content) with { DeclaredLength = 1L << 60 });
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From(server).DownloadAsync());
        StringAssert.Contains(error.Message, "MaximumBytes");
        StringAssert.Contains(
            (await Assert.ThrowsAsync<IOException>(() => From(server, Cache with { MaximumBytes = long.MaxValue }).DownloadAsync()))
            .Message, "are free");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public async Task ABodyOfUnknownLengthIsFineIfItIsRight(bool chunked)
    {
        using var server = new LoopbackServer(_ => new Answer(200, s_content) { Chunked = chunked, UntilClosed = !chunked });
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await From(server).DownloadAsync()));
    }

    [TestMethod]
    public async Task CompressionThatNobodyAskedForIsRefused()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content, "\"one\"", ("Content-Encoding", "gzip")));
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From(server).DownloadAsync())).Message, "gzip");
        Assert.AreEqual("identity", server.Requests[0].Header("Accept-Encoding"));
    }

    [TestMethod]
    [DataRow("file:///etc/passwd", "'file:'")]
    [DataRow("/net.safetensors", "More than 10 redirects")]
    public async Task RedirectsThatLeadNowhereAreNotFollowed(string target, string message)
    {
        using var server = new LoopbackServer(_ => Answer.Of(302, ("Location", target)));
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<HttpRequestException>(() => From(server).DownloadAsync())).Message, message);
        Assert.IsLessThanOrEqualTo(11, server.Requests.Count);
    }

    private PretrainedWeights From(LoopbackServer server, PretrainedWeights.Cache? cache = null) =>
        PretrainedWeights.FromUrl(server.Address + "net.safetensors", Sha256(s_content), cache ?? Cache);

    private static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static void AssertNothingElseIn(string folder, params string[] names) =>
        CollectionAssert.AreEquivalent(names, Directory.GetFiles(folder).Select(Path.GetFileName).ToArray());

    private sealed class Synchronous(Action<PretrainedWeights.DownloadProgress> report) : IProgress<PretrainedWeights.DownloadProgress>
    {
        public void Report(PretrainedWeights.DownloadProgress value) => report(value);
    }
}
