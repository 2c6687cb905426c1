using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>Text models of a hub.</summary>
[TestClass]
public sealed class TextHubTests
{
    private readonly string _folder = SmallPictures.NewFolder();
    private readonly FakeHub _hub = new();

    [TestCleanup]
    public void StopTheHub() => _hub.Dispose();

    [TestMethod]
    public async Task AModelIsDownloadedWithItsTokenizerAndPooling()
    {
        Publish();
        _hub.Add("1_Pooling/config.json", """{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}""");
        var backbone = From();
        Assert.AreEqual(TextBackbone.TokenPooling.ClassToken, backbone.Pooling);
        Assert.AreEqual("micro.test_in1k (timm/micro.test_in1k@1111111/model.safetensors)", backbone.ToString());
        backbone.CreateEncoder(seed: 1).Dispose();

        var requests = _hub.Requests.Count;
        Assert.AreEqual(backbone.ToString(), From().ToString());
        Assert.HasCount(requests, _hub.Requests, "nothing is fetched again");
        _hub.Head = FakeHub.SecondCommit;
        StringAssert.Contains(
            await TextBackbone.DownloadAsync(FakeHub.Repository, cache: _hub.Cache(_folder)), FakeHub.SecondCommit);
    }

    [TestMethod]
    public void AModelThatIsNotSupportedIsRefusedBeforeItsWeightsAreFetched()
    {
        Publish();
        _hub.Add("config.json", """{"model_type": "t5"}""");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(From).Message, "'t5'");
        Assert.IsFalse(_hub.Requests.Any(asked => asked.Path.Contains("safetensors", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void OfflineModeSaysWhichFilesToPlaceWhere()
    {
        var cache = _hub.Cache(_folder) with { IsOffline = true };
        var error = Assert.ThrowsExactly<FileNotFoundException>(() => TextBackbone.FromHub(FakeHub.Repository, cache: cache));
        StringAssert.Contains(error.Message, "vocab.txt");
        StringAssert.Contains(error.Message, Path.Combine("hub", "timm", "micro.test_in1k", "main"));
        Assert.IsEmpty(_hub.Requests);

        // Files that were placed by hand.
        var folder = Path.Combine(_folder, "hub", "timm", "micro.test_in1k", "main");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(SmallTexts.Folder))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        Assert.HasCount(3, TextBackbone.FromHub(FakeHub.Repository, cache: cache).Stages);
    }

    private TextBackbone From() => TextBackbone.FromHub(FakeHub.Repository, cache: _hub.Cache(_folder));

    private void Publish()
    {
        foreach (var file in Directory.EnumerateFiles(SmallTexts.Folder))
            _hub.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
    }
}
