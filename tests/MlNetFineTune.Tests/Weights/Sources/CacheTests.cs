using System.Diagnostics;
using System.Security.Cryptography;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.WeightSources;

[TestClass]
public sealed class CacheTests
{
    private static readonly byte[] s_content = RandomBytes();
    private static readonly string s_sha256 = Convert.ToHexStringLower(SHA256.HashData(s_content));

    private readonly string _folder = SmallPictures.NewFolder();

    [TestMethod]
    public void TheFolderIsWhereTheEnvironmentSays()
    {
        var (ours, xdg) = (Path.Combine(_folder, "ours"), Path.Combine(_folder, "xdg"));
        using (new Variables(("MLNETFINETUNE_CACHE", ours), ("XDG_CACHE_HOME", xdg)))
            Assert.AreEqual(ours, new PretrainedWeights.Cache().Folder);
        if (!OperatingSystem.IsWindows())
        {
            using (new Variables(("MLNETFINETUNE_CACHE", " "), ("XDG_CACHE_HOME", xdg)))
                Assert.AreEqual(Path.Combine(xdg, "mlnetfinetune"), new PretrainedWeights.Cache().Folder);
            var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "mlnetfinetune");
            using (new Variables(("MLNETFINETUNE_CACHE", null), ("XDG_CACHE_HOME", "relative")))
                Assert.AreEqual(home, new PretrainedWeights.Cache().Folder);
        }
        Assert.IsFalse(Directory.Exists(ours), "a cache is made when it is needed");
    }

    [TestMethod]
    public void EndpointsAndOfflineModeComeFromTheEnvironment()
    {
        using (new Variables(("HF_ENDPOINT", null), ("HF_HUB_OFFLINE", "0"), ("MLNETFINETUNE_OFFLINE", "")))
        {
            var usual = new PretrainedWeights.Cache();
            Assert.AreEqual("https://huggingface.co/", usual.HubEndpoint.AbsoluteUri);
            Assert.IsFalse(usual.IsOffline);
        }
        using (new Variables(("HF_ENDPOINT", "https://mirror.example/hub"), ("HF_HUB_OFFLINE", "yes")))
        {
            var mirror = new PretrainedWeights.Cache();
            Assert.AreEqual("https://mirror.example/hub/", mirror.HubEndpoint.AbsoluteUri);
            Assert.IsTrue(mirror.IsOffline);
        }
        using (new Variables(("HF_ENDPOINT", "ftp://mirror.example")))
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => new PretrainedWeights.Cache()).Message, "HF_ENDPOINT");
    }

    [TestMethod]
    public void NonsenseIsRefusedWhereItIsSaid()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PretrainedWeights.Cache { MaximumBytes = 0 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PretrainedWeights.Cache { StallTimeout = TimeSpan.Zero });
        Assert.ThrowsExactly<ArgumentException>(() => new PretrainedWeights.Cache { HubEndpoint = new Uri("https://name:word@host/") });
        Assert.ThrowsExactly<ArgumentException>(() => PretrainedWeights.FromUrl("ftp://host/net.pth", s_sha256));
        Assert.ThrowsExactly<ArgumentException>(() => PretrainedWeights.FromUrl("https://host/net.pth", "abc"));
        foreach (var repository in (string[])["a/b/c", "../b", "a/..", "a/b c", "a\\b", "a/", "/b", "C:/b", "a/nul"])
            Assert.ThrowsExactly<ArgumentException>(() => PretrainedWeights.FromHub(repository), repository);
        foreach (var revision in (string[])["..", "a/../b", "/a", "a b", "a\nb", ".hidden"])
            Assert.ThrowsExactly<ArgumentException>(() => PretrainedWeights.FromHub("a/b", revision), revision);
        foreach (var name in (string[])[
            "resnet18.pth", "resnet18-F37072FD.pth", "../resnet18-f37072fd.pth", "resnet18-f37072fd.zip", "a/resnet18-f37072fd.pth"])
            Assert.ThrowsExactly<ArgumentException>(() => PretrainedWeights.FromTorchvision(name), name);
    }

    [TestMethod]
    public async Task TheNameOfATorchvisionFileHoldsItsHash()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var cache = new PretrainedWeights.Cache
        {
            Folder = _folder,
            IsOffline = false,
            TorchvisionEndpoint = new Uri(
            server.Address + "models")
        };

        var path = await PretrainedWeights.FromTorchvision($"net-{s_sha256[..8]}.pth", cache).DownloadAsync();
        Assert.AreEqual(Path.Combine(_folder, "torchvision", $"net-{s_sha256[..8]}.pth"), path);
        Assert.AreEqual($"/models/net-{s_sha256[..8]}.pth", server.Requests.Single().Path);

        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => PretrainedWeights.FromTorchvision(
            "net-00000000.pth", cache).DownloadAsync());
        StringAssert.Contains(error.Message, $"expected SHA-256 00000000..., found {s_sha256}");
    }

    [TestMethod]
    public async Task OfflineTheErrorSaysWhichFileToPlaceWhere()
    {
        using var server = new LoopbackServer(_ => Answer.Of(500));
        var weights = PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256, new PretrainedWeights.Cache { Folder = _folder, IsOffline = true });
        var error = await Assert.ThrowsExactlyAsync<FileNotFoundException>(() => weights.DownloadAsync());
        StringAssert.Contains(error.Message, $"at '{error.FileName}'");
        StringAssert.Contains(error.Message, s_sha256);
        Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Micro.WithWeights(weights));

        Directory.CreateDirectory(Path.GetDirectoryName(error.FileName!)!);
        File.WriteAllBytes(error.FileName!, s_content[1..]);
        var wrong = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => weights.DownloadAsync());
        StringAssert.Contains(wrong.Message, $"expected SHA-256 {s_sha256}");
        File.WriteAllBytes(error.FileName!, s_content);
        Assert.AreEqual(error.FileName, await weights.DownloadAsync());
        Assert.IsEmpty(server.Requests);
    }

    [TestMethod]
    public async Task ACachedFileThatWasChangedIsFoundOut()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var weights = PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256, new PretrainedWeights.Cache { Folder = _folder, IsOffline = false });
        var path = await weights.DownloadAsync();
        var changed = s_content.ToArray();
        changed[1000] ^= 1;
        File.WriteAllBytes(path, changed);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(2));
        Assert.ThrowsExactly<InvalidDataException>(() => weights.FindLocal());

        // Copied again: another time, the correct content.
        File.WriteAllBytes(path, s_content);
        Assert.AreEqual(path, weights.FindLocal()!.Path);
    }

    [TestMethod]
    public async Task OfManyWhoWantTheSameFileOneDownloadsAndTheOthersWait()
    {
        var pause = (After: 1000, Reached: new TaskCompletionSource(), GoOn: new TaskCompletionSource());
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content) with { Pause = pause });
        var all = Enumerable.Range(0, 4).Select(_ => Task.Run(() => PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256,
                new PretrainedWeights.Cache { Folder = _folder, IsOffline = false }).DownloadAsync())).ToArray();
        await pause.Reached.Task.WaitAsync(Patience.Limit);

        // Another one waits, and stops waiting when cancelled.
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(0.5));
        await Assert.ThrowsAsync<OperationCanceledException>(() => PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256, new PretrainedWeights.Cache { Folder = _folder, IsOffline = false }).DownloadAsync(null,
            soon.Token));
        Assert.IsFalse(all.Any(task => task.IsCompleted));

        pause.GoOn.SetResult();
        var paths = await Task.WhenAll(all).WaitAsync(Patience.Limit);
        Assert.HasCount(1, paths.Distinct());
        Assert.HasCount(1, server.Requests);
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(paths[0]));
    }

    [TestMethod]
    public async Task AnotherProcessIsWaitedForAndItsDeathFreesTheLock()
    {
        const string Flock = "/usr/bin/flock"; // of util-linux: the lock that .NET takes on Unix
        if (!File.Exists(Flock))
            Assert.Inconclusive($"There is no {Flock}.");
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var name = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "locks")).FullName, $"urls-{s_sha256}-net.pth");
        using var other = Process.Start(
            new ProcessStartInfo(Flock, [name, "sh", "-c", "echo held; exec sleep 3600"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.AreEqual("held", await other.StandardOutput.ReadLineAsync().WaitAsync(Patience.Limit));
            var download = PretrainedWeights.FromUrl(
                server.Address + "net.pth", s_sha256, new PretrainedWeights.Cache { Folder = _folder, IsOffline = false }).DownloadAsync();
            await Task.Delay(500);
            Assert.IsFalse(download.IsCompleted);
            Assert.IsEmpty(server.Requests);

            other.Kill(entireProcessTree: true);
            CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await download.WaitAsync(Patience.Limit)));
        }
        finally
        {
            other.Kill(entireProcessTree: true);
        }
    }

    [TestMethod]
    public async Task AFolderThatCannotBeWrittenIsSaidToBeSo()
    {
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "not a folder");
        var error = await Assert.ThrowsExactlyAsync<IOException>(() => PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256,
            new PretrainedWeights.Cache { Folder = Path.Combine(blocked, "cache"), IsOffline = false }).DownloadAsync());
        StringAssert.Contains(error.Message, "MLNETFINETUNE_CACHE");
        Assert.IsEmpty(server.Requests);
    }

    [TestMethod]
    public async Task AReadOnlyCacheServesWhatItHoldsAndRefusesTheRest()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            Assert.Inconclusive("Permissions do not bind this user.");
            return;
        }
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var cache = new PretrainedWeights.Cache { Folder = _folder, IsOffline = false };
        var path = await PretrainedWeights.FromUrl(server.Address + "net.pth", s_sha256, cache).DownloadAsync();
        File.Delete(path + ".receipt.json");
        string[] folders = [_folder, .. Directory.GetDirectories(_folder, "*", SearchOption.AllDirectories)];
        foreach (var folder in folders)
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.AreEqual(path, await PretrainedWeights.FromUrl(server.Address + "net.pth", s_sha256, cache).DownloadAsync());
            StringAssert.Contains((await Assert.ThrowsExactlyAsync<IOException>(() => PretrainedWeights.FromTorchvision(
                "net-00000000.pth", cache).DownloadAsync())).Message, "cannot be written");
        }
        finally
        {
            foreach (var folder in folders)
                File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [TestMethod]
    [DataRow("urls")]
    [DataRow("part")]
    [DataRow("file")]
    public async Task NothingIsWrittenThroughLinksInTheCache(string which)
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("Links need a privilege on Windows.");
        using var server = new LoopbackServer(asked => Answer.File(asked, s_content));
        var outside = SmallPictures.NewFolder();
        var real = Path.Combine(_folder, "real");
        Directory.CreateDirectory(real);
        var cache = Path.Combine(_folder, "cache");
        Directory.CreateSymbolicLink(cache, real); // the cache itself may be a link
        var folder = Path.Combine(real, "urls", s_sha256);
        if (which == "urls")
        {
            Directory.CreateSymbolicLink(Path.Combine(real, "urls"), outside);
        }
        else
        {
            Directory.CreateDirectory(folder);
            File.CreateSymbolicLink(Path.Combine(folder, which == "part" ? "net.pth.part" : "net.pth"), Path.Combine(outside, "victim"));
        }
        var weights = PretrainedWeights.FromUrl(
            server.Address + "net.pth", s_sha256, new PretrainedWeights.Cache { Folder = cache, IsOffline = false });
        StringAssert.Contains((await Assert.ThrowsAsync<IOException>(() => weights.DownloadAsync())).Message, "is a link to");
        Assert.IsEmpty(Directory.GetFileSystemEntries(outside));
        Assert.IsEmpty(server.Requests);

        Directory.Delete(Path.Combine(real, "urls"), recursive: which != "urls");
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await weights.DownloadAsync()));
    }

    private static byte[] RandomBytes()
    {
        var bytes = new byte[100_000];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
