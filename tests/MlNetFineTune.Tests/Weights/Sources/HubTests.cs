using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.WeightSources;

[TestClass]
public sealed class HubTests
{
    private static readonly byte[] s_micro =
        File.ReadAllBytes(Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors"));

    private readonly string _folder = SmallPictures.NewFolder();
    private readonly FakeHub _hub = new();

    private string FolderOf(string revision) => Path.Combine(_folder, "hub", "timm", "micro.test_in1k", revision);

    private PretrainedWeights From(string revision = "main") =>
        PretrainedWeights.FromHub(FakeHub.Repository, revision, _hub.Cache(_folder));

    [TestCleanup]
    public void StopTheHub() => _hub.Dispose();

    [TestMethod]
    public async Task ABranchIsResolvedOnceAndWrittenDown()
    {
        Publish(WeightsWithoutRecipe());
        var path = await From().DownloadAsync();
        Assert.AreEqual(Path.Combine(FolderOf(FakeHub.FirstCommit), "model.safetensors"), path);
        CollectionAssert.AreEqual(_hub.Files["model.safetensors"], File.ReadAllBytes(path));
        Assert.AreEqual(FakeHub.FirstCommit, File.ReadAllText(Path.Combine(FolderOf("refs"), "main")).Trim());
        CollectionAssert.AreEqual(
            new[] { "/timm/micro.test_in1k/resolve/main/config.json",
                $"/timm/micro.test_in1k/resolve/{FakeHub.FirstCommit}/model.safetensors", "/store/model.safetensors?signature=secret" },
            _hub.Requests.Select(asked => asked.Path).ToArray());
        using var receipt = JsonDocument.Parse(File.ReadAllText(path + ".receipt.json"));
        Assert.DoesNotContain("secret", receipt.RootElement.GetProperty("Url").GetString()!);
        Assert.AreEqual(64, receipt.RootElement.GetProperty("ETag").GetString()!.Length);

        // Neither the branch nor its commit needs a connection now.
        var backbone = Backbone.Micro.WithWeights(From());
        Assert.AreEqual(path, backbone.WeightsFile);
        Assert.AreEqual("micro (timm/micro.test_in1k@1111111/model.safetensors)", backbone.ToString());
        Assert.AreEqual(path, await From(FakeHub.FirstCommit).DownloadAsync());
        Assert.HasCount(3, _hub.Requests);

        // The branch moves on; DownloadAsync asks, WithWeights does not.
        _hub.Head = FakeHub.SecondCommit;
        Assert.AreEqual(path, Backbone.Micro.WithWeights(From()).WeightsFile);
        Assert.HasCount(3, _hub.Requests);
        Assert.AreEqual(Path.Combine(FolderOf(FakeHub.SecondCommit), "model.safetensors"), await From().DownloadAsync());
        Assert.StartsWith(FolderOf(FakeHub.SecondCommit), Backbone.Micro.WithWeights(From()).WeightsFile!);
        await From().DownloadAsync();
        Assert.HasCount(3 + 3 + 1, _hub.Requests, "a branch that has not moved costs one request");
    }

    [TestMethod]
    public void TheConfigIsTheRecipe()
    {
        Publish(WeightsWithoutRecipe());
        var preprocessing = Backbone.Micro.WithWeights(From(FakeHub.FirstCommit)).Preprocessing;
        Assert.AreEqual(new ImagePreprocessing
        {
            Size = 64,
            Mean = new ColorTriple(0.4f, 0.5f, 0.6f),
            Std = new ColorTriple(0.2f, 0.25f, 0.3f),
            Interpolation = Interpolation.Bicubic,
            CropFraction = 0.9f,
        }, preprocessing);

        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => (Backbone.Micro.FromScratch() with { Preprocessing = preprocessing }).WithWeights(From()));
        StringAssert.Contains(error.Message, "WithWeights first");
    }

    [TestMethod]
    [DataRow("resnet18", "Backbone.FromName(\"resnet18\")")]
    [DataRow("swin_tiny_patch4_window7_224", "There is no backbone swin_tiny_patch4_window7_224 here")]
    public void WeightsOfAnotherNetworkAreRefused(string architecture, string advice)
    {
        Publish(WeightsWithoutRecipe(), FakeHub.Config(architecture));
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(From()));
        StringAssert.Contains(error.Message, $"those of {architecture}, but the backbone is micro");
        StringAssert.Contains(error.Message, advice);
    }

    [TestMethod]
    [DataRow("""{ "model_type": "swin", "architectures": ["SwinForImageClassification"] }""", "another library's 'swin'")]
    [DataRow("""{ "architectures": ["ResNetForImageClassification"] }""", "no architecture, as timm's do, and no model_type")]
    [DataRow("""{ "model_type": "vit", "hidden_size": 192, "num_attention_heads": 12 }""", "12 heads for 192 channels")]
    [DataRow("""{ "model_type": "vit", "hidden_act": "quick_gelu" }""", "computes with 'quick_gelu'; here it is 'gelu'")]
    [DataRow("""{ "model_type": "resnet", "downsample_in_bottleneck": true }""", "downsample_in_bottleneck is true")]
    [DataRow("""{ "model_type": "resnet", "num_channels": 1 }""", "takes 1 channels")]
    [DataRow("""{ "model_type": "vit", "image_size": [224, 192] }""", "image_size is no square")]
    [DataRow("""{ "architecture": "micro", "pretrained_cfg": { "input_size": [3, 64, 96] } }""", "[3, 64, 96]")]
    [DataRow("""{ "architecture": "micro", "pretrained_cfg": { "input_size": [1, 64, 64] } }""", "[1, 64, 64]")]
    [DataRow("""{ "architecture": "micro", "pretrained_cfg": { "input_size": [1, 64, 64] } }""", "with { InputChannels = 1 }")]
    [DataRow("""{ "architecture": "micro", "pretrained_cfg": { "mean": "0.5" } }""", "mean is not a short list of numbers")]
    [DataRow("""{ "architecture": "micro", """, "not proper JSON")]
    [DataRow("""{ "architecture": "\ud800" }""", "not proper JSON")]
    [DataRow("[]", "no JSON object")]
    public async Task AConfigThatCannotBeUsedSaysWhy(string config, string message)
    {
        Publish(WeightsWithoutRecipe(), config);
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync())).Message, message);
        Assert.HasCount(1, _hub.Requests, "the large file is not fetched for nothing");
    }

    [TestMethod]
    public void NumbersOfTheConfigThatNoPictureCanHaveAreRefused()
    {
        Publish(WeightsWithoutRecipe(), FakeHub.Config().Replace("0.25", "0", StringComparison.Ordinal));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(From())).Message,
            "std = '0.2,0,0.3'");
    }

    [TestMethod]
    public async Task TheHashIsTheHubsNotTheStores()
    {
        Publish(WeightsWithoutRecipe());
        _hub.Store = (asked, content) => Answer.File(asked, [.. content[..^1], 0xFF], null, ("X-Linked-Size", "7"));
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync());
        StringAssert.Contains(error.Message, "expected SHA-256");
        Assert.DoesNotContain("secret", error.Message);

        _hub.Store = (asked, content) => Answer.File(asked, [.. content, 1, 2]);
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync())).Message,
            $"has {_hub.Files["model.safetensors"].Length} bytes, but");
        Assert.IsFalse(File.Exists(Path.Combine(FolderOf(FakeHub.FirstCommit), "model.safetensors")));
    }

    [TestMethod]
    [DataRow("\"two\"")]
    [DataRow(null, DisplayName = "and then has no ETag")]
    public async Task WithoutAHashTheETagAloneKeepsHalvesApart(string? second)
    {
        // A file that the repository keeps in git; it changes, and the server continues it without heeding If-Range.
        Publish([]);
        var (before, after) = (Enumerable.Repeat((byte)1, 90_000).ToArray(), Enumerable.Repeat((byte)2, 90_000).ToArray());
        var n = 0;
        _hub.Instead = asked => !asked.Path.EndsWith(".safetensors", StringComparison.Ordinal) ? null
            : ++n == 1 ? Answer.File(asked, before, "\"one\"") with { DropAfter = 30_000 }
            : Answer.File(asked with { Headers = asked.Headers.Where(header => header.Key != "if-range").ToDictionary() }, after, second);
        CollectionAssert.AreEqual(after, File.ReadAllBytes(await From().DownloadAsync()));
    }

    [TestMethod]
    [DataRow("HF_TOKEN")]
    [DataRow("HUGGING_FACE_HUB_TOKEN")]
    public async Task TheTokenGoesToTheHubAndNowhereElse(string variable)
    {
        using var none = new Variables(("HF_TOKEN", null), ("HUGGING_FACE_HUB_TOKEN", null));
        using var token = new Variables((variable, "hf_secret"));
        Publish(WeightsWithoutRecipe());
        await From().DownloadAsync();
        Assert.HasCount(3, _hub.Requests);
        foreach (var asked in _hub.Requests)
            Assert.AreEqual(asked.Path.StartsWith("/store/", StringComparison.Ordinal) ? null : "Bearer hf_secret",
                asked.Header("Authorization"), asked.Path);
        Assert.AreEqual($"localhost:{new Uri(_hub.Cache(_folder).HubEndpoint, "").Port}", _hub.Requests[2].Header("Host"),
            "the store is another host");

        // Other sources get none, even from the same host.
        await Assert.ThrowsAsync<Exception>(() => PretrainedWeights.FromUrl(
            _hub.Cache(_folder).HubEndpoint + "x.pth", new string('0', 64), _hub.Cache(_folder)).DownloadAsync());
        Assert.IsNull(_hub.Requests[^1].Header("Authorization"));
    }

    [TestMethod]
    public async Task AShardedFileComesWhole()
    {
        PublishShards("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
        _hub.Files["model-00001-of-00002.safetensors"] = [1, 2, 3];
        _hub.Files["model-00002-of-00002.safetensors"] = [4, 5];
        var path = await From().DownloadAsync();
        Assert.AreEqual("model.safetensors.index.json", Path.GetFileName(path));
        CollectionAssert.AreEqual(new byte[] { 4, 5 },
            File.ReadAllBytes(Path.Combine(FolderOf(FakeHub.FirstCommit), "model-00002-of-00002.safetensors")));
        Assert.AreEqual(path, From().FindLocal()!.Path);

        // One is lost: the cache is not whole, and that one alone is fetched again.
        File.Delete(Path.Combine(FolderOf(FakeHub.FirstCommit), "model-00001-of-00002.safetensors"));
        Assert.IsNull(From().FindLocal());
        var before = _hub.Requests.Count;
        await From(FakeHub.FirstCommit).DownloadAsync();
        CollectionAssert.Contains(_hub.Requests.Skip(before).Select(asked => asked.Path.Split('?')[0]).ToArray(),
            "/store/model-00001-of-00002.safetensors");
        CollectionAssert.DoesNotContain(
            _hub.Requests.Skip(before).Select(asked => asked.Path.Split('?')[0]).ToArray(), "/store/model-00002-of-00002.safetensors");
    }

    [TestMethod]
    [DataRow("../../../../victim.safetensors")]
    [DataRow("/tmp/victim.safetensors")]
    [DataRow("C:\\\\victim.safetensors")]
    [DataRow("sub/victim.safetensors")]
    [DataRow("a\\u0000.safetensors")]
    [DataRow("nul.safetensors")]
    [DataRow("stream:x.safetensors")]
    [DataRow(".safetensors")]
    [DataRow("config.json")]
    public async Task NamesThatLeadOutOfTheFolderAreRefused(string name)
    {
        PublishShards(name);
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync());
        StringAssert.Contains(error.Message, "expected the plain name of a .safetensors file");
        CollectionAssert.AreEquivalent(
            new[] { "hub", "locks" }, Directory.GetFileSystemEntries(_folder).Select(Path.GetFileName).ToArray());
        CollectionAssert.AreEquivalent(
            new[] { "config.json" }, Directory.GetFiles(FolderOf(FakeHub.FirstCommit)).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public async Task PickledWeightsAreTheLastResort()
    {
        _hub.Add("config.json", FakeHub.Config());
        var none = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync());
        StringAssert.Contains(none.Message, "none of model.safetensors, model.safetensors.index.json and pytorch_model.bin");
        _hub.Files["pytorch_model.bin"] = [1, 2, 3];
        Assert.AreEqual("pytorch_model.bin", Path.GetFileName(await From().DownloadAsync()));
    }

    [TestMethod]
    public async Task WhatTheHubRefusesIsSaidWithWhatToDo()
    {
        Publish(WeightsWithoutRecipe());
        var error = await Assert.ThrowsExactlyAsync<HttpRequestException>(() => PretrainedWeights.FromHub(
            "timm/other", cache: _hub.Cache(_folder)).DownloadAsync());
        Assert.AreEqual(HttpStatusCode.Unauthorized, error.StatusCode);
        StringAssert.Contains(error.Message, "RepoNotFound");
        StringAssert.Contains(error.Message, "HF_TOKEN");

        _hub.Instead = asked => Answer.File(asked, _hub.Files["config.json"]);
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync())).Message,
            "does not say of which commit");
        _hub.Instead = asked => Answer.File(asked, _hub.Files["config.json"], null, ("X-Repo-Commit", "../../../evil"));
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync())).Message,
            "../../../evil");
        _hub.Instead = asked => Answer.File(asked, _hub.Files["config.json"], null, ("X-Repo-Commit", FakeHub.FirstCommit));
        StringAssert.Contains(
            (await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From(FakeHub.SecondCommit).DownloadAsync())).Message,
            "expected 2222");
        _hub.Instead = _ => new Answer(200, Encoding.UTF8.GetBytes(new string(' ', 100_000)))
        {
            UntilClosed = true,
            Endless = true,
            Headers = { ["X-Repo-Commit"] = FakeHub.FirstCommit }
        };
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidDataException>(() => From().DownloadAsync())).Message,
            "expected a small file");
        Assert.IsFalse(Directory.Exists(Path.Combine(_folder, "hub")));
    }

    [TestMethod]
    public async Task OfflineAFolderPlacedByHandIsEnough()
    {
        Publish(WeightsWithoutRecipe());
        var weights = PretrainedWeights.FromHub(FakeHub.Repository, cache: _hub.Cache(_folder) with { IsOffline = true });
        var error = await Assert.ThrowsExactlyAsync<FileNotFoundException>(() => weights.DownloadAsync());
        StringAssert.Contains(error.Message, $"in '{FolderOf("main")}'");
        Assert.AreEqual(Path.Combine(FolderOf("main"), "model.safetensors"), error.FileName);

        Directory.CreateDirectory(FolderOf("main"));
        foreach (var (name, content) in _hub.Files)
            File.WriteAllBytes(Path.Combine(FolderOf("main"), name), content);
        Assert.AreEqual(64, Backbone.Micro.WithWeights(weights).Preprocessing.Size);
        Assert.AreEqual(error.FileName, await weights.DownloadAsync());
        Assert.IsEmpty(_hub.Requests);
    }

    [TestMethod]
    public void ANetworkFromTheHubIsFineTunedAndSavedWithItsOrigin()
    {
        _hub.Add("config.json", FakeHub.Config(inputSize: "[3, 32, 32]"));
        _hub.Files["model.safetensors"] = s_micro; // the file's own metadata take precedence
        var ml = new MLContext(seed: 1);
        var backbone = Backbone.FromName("micro").WithWeights(From());
        Assert.AreEqual(96, backbone.Preprocessing.Size);

        using var model = SmallTraining.Fit(
            ml, SmallTraining.Options with { Backbone = backbone, Strategy = Strategy.HeadOnly, Epochs = 6, LearningRate = 0.02f },
            SmallPictures.Take(4));
        var accuracy = ml.MulticlassClassification.Evaluate(
            model.Transform(SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(8, skip: 20))))).MicroAccuracy;
        Assert.IsGreaterThan(0.8, accuracy);

        _hub.Dispose(); // loading a model needs no hub
        var zip = SmallTraining.Save(ml, model);
        Assert.AreEqual("timm/micro.test_in1k@1111111/model.safetensors",
            JsonDocument.Parse(Zip.Entry(zip, "manifest.json")).RootElement.GetProperty("Encoder").GetProperty("SourceWeights")
            .GetString());
        using var loaded = (FineTuningTransformer)ml.Model.Load(new MemoryStream(zip), out _);
        var view = SmallPictures.View(ml, SmallPictures.Take(2, skip: 20));
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(loaded.Transform(view)));
    }

    [TestMethod]
    public async Task ARepositoryOfTransformersIsRead()
    {
        PublishMobileNet();
        _hub.Add("preprocessor_config.json", """
            { "crop_size": { "height": 192, "width": 192 }, "do_center_crop": true, "do_normalize": true, "do_rescale": true,
              "do_resize": true, "image_mean": [0.5, 0.4, 0.3], "image_processor_type": "MobileNetV1ImageProcessor",
              "image_std": [0.5, 0.25, 0.125], "resample": 3,
              "rescale_factor": 0.00392156862745098, "size": { "shortest_edge": 256 } }
            """);
        await From().DownloadAsync();
        _hub.Dispose();
        var backbone = Backbone.MobileNetV1(0.25f).WithWeights(From());
        Assert.AreEqual(new ImagePreprocessing
        {
            Size = 192,
            Mean = new ColorTriple(0.5f, 0.4f, 0.3f),
            Std = new ColorTriple(0.5f, 0.25f, 0.125f),
            Interpolation = Interpolation.Bicubic,
            CropFraction = 0.75f,
        }, backbone.Preprocessing);
        Assert.AreEqual((Backbone.ConvolutionPadding.TensorFlowSame, 0.002), (backbone.Padding, backbone.Recipe.Epsilon));
        using var expected = WeightFiles.TransformersNamesTests.Filled(Backbone.MobileNetV1(0.25f));
        using var network = backbone.CreateNetwork(seed: 0);
        WeightFiles.TransformersNamesTests.AssertSame(expected, network);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(From()));
        StringAssert.Contains(error.Message, "transformers' 'mobilenet_v1', but the backbone is micro. "
            + "Those of that kind are mobilenetv1_025, mobilenetv1_050");
    }

    private const string ImageNet = "\"image_mean\": [0.485, 0.456, 0.406], \"image_std\": [0.229, 0.224, 0.225]";

    // The values of image_processing_*.py and of repositories: google/vit, facebook/deit, facebook/dinov2, facebook/convnext,
    // microsoft/resnet, google/efficientnet.
    [TestMethod]
    [DataRow("vit_tiny_patch16_224", "vit",
        """{ "do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],"""
        + """ "image_std": [0.5, 0.5, 0.5], "size": 224, "resample": 2 }""",
        224, 1f, Interpolation.Bilinear, 0.5f, 0.5f, "stretches these pictures to a square")]
    [DataRow("deit_tiny_patch16_224", "deit",
        $$"""{ "crop_size": 224, "do_center_crop": true, "feature_extractor_type": "DeiTFeatureExtractor", {{ImageNet}},"""
        + """ "resample": 3, "size": 256 }""",
        224, 0.875f, Interpolation.Bicubic, 0.485f, 0.229f, null)]
    [DataRow("vit_small_patch14_dinov2", "dinov2",
        $$"""{ "crop_size": { "height": 224, "width": 224 }, "do_center_crop": true, {{ImageNet}},"""
        + """ "resample": 3, "size": { "shortest_edge": 256 } }""",
        224, 0.875f, Interpolation.Bicubic, 0.485f, 0.229f, null)]
    [DataRow("convnext_tiny", "convnext",
        $$"""{ "crop_pct": 0.875, "feature_extractor_type": "ConvNextFeatureExtractor", {{ImageNet}}, "resample": 3, "size": 224 }""",
        224, 0.875f, Interpolation.Bicubic, 0.485f, 0.229f, null)]
    [DataRow("convnext_base", "convnext",
        $$"""{ "crop_pct": 0.875, {{ImageNet}}, "resample": 3, "size": { "shortest_edge": 384 } }""",
        384, 1f, Interpolation.Bicubic, 0.485f, 0.229f, null)]
    [DataRow("resnet50", "resnet",
        $$"""{ "image_processor_type": "ConvNextImageProcessor", {{ImageNet}}, "resample": 3, "size": { "shortest_edge": 224 } }""",
        224, 0.875f, Interpolation.Bicubic, 0.485f, 0.229f, null)]
    [DataRow("tf_efficientnet_b0", "efficientnet",
        """{ "image_processor_type": "EfficientNetImageProcessor", "image_mean": [0.485, 0.456, 0.406],"""
        + """ "image_std": [0.47853944, 0.4732864, 0.47434163], "resample": 0, "size": { "height": 224, "width": 224 } }""",
        224, 1f, Interpolation.Bilinear, 0.485f, 0.229f, "Pillow's filter 0; here it is done bilinear")]
    [DataRow("resnet18", "resnet",
        """{ "do_rescale": true, "do_normalize": false, "size": 224, "crop_pct": 0.875, "resample": 3 }""",
        224, 0.875f, Interpolation.Bicubic, 0f, 1f, null)]
    [DataRow("resnet18", "resnet",
        """{ "rescale_factor": 0.00784313725490196, "rescale_offset": true, "image_mean": [0, 0, 0],"""
        + """ "image_std": [1, 1, 1], "size": 224, "crop_pct": 0.9, "resample": 2 }""",
        224, 0.9f, Interpolation.Bilinear, 0.5f, 0.5f, null)]
    public void TransformersPreprocessingIsOurs(
        string name, string type, string processor, int size, float crop, Interpolation interpolation, float mean, float std, string? note)
    {
        _hub.Add("config.json", $$"""{ "model_type": "{{type}}", "image_size": 32, "layer_norm_eps": 1e-12 }""");
        _hub.Add("preprocessor_config.json", processor);
        _hub.Files["model.safetensors"] = WeightsWithoutRecipe();
        var backbone = Backbone.FromName(name).WithWeights(From());
        var preprocessing = backbone.Preprocessing;
        Assert.AreEqual((size, crop, interpolation), (preprocessing.Size, preprocessing.CropFraction, preprocessing.Interpolation));
        Assert.AreEqual(mean, preprocessing.Mean.Red, 1e-6f);
        Assert.AreEqual(std, preprocessing.Std.Red, 1e-6f);
        if (type is "vit" or "deit" or "dinov2")
            Assert.AreEqual(1e-12, backbone.Recipe.Epsilon);
        if (note is null)
            Assert.IsNull(((WeightsSource.File)backbone.Weights).Note);
        else
            StringAssert.Contains(((WeightsSource.File)backbone.Weights).Note, note);
    }

    [TestMethod]
    public void WithoutAProcessorTheUsualIsTakenAndItIsSaid()
    {
        PublishMobileNet();
        var backbone = Backbone.MobileNetV1(0.25f).WithWeights(From());
        Assert.AreEqual((224, ColorTriple.Half), (backbone.Preprocessing.Size, backbone.Preprocessing.Mean));
        var notes = new List<string>();
        using var network = backbone.CreateNetwork(seed: 0, notes.Add);
        StringAssert.Contains(string.Join("\n", notes),
            "has no preprocessor_config.json: pictures are prepared as is usual for such weights");
    }

    // TimmWrapper: timm's config with transformers' name for the wrapper, and a prefix before every tensor.
    [TestMethod]
    public void AWrapperOfTimmsNetworksIsTimms()
    {
        var config = FakeHub.Config("micro.test_in1k")
            .Replace("\"num_classes\"", "\"model_type\": \"timm_wrapper\", \"num_classes\"", StringComparison.Ordinal);
        Publish(WeightsWithoutRecipe(), config);
        Assert.AreEqual(64, Backbone.Micro.WithWeights(From()).Preprocessing.Size);
    }

    private void PublishMobileNet()
    {
        var path = Path.Combine(_folder, "theirs.safetensors");
        using (var network = WeightFiles.TransformersNamesTests.Filled(Backbone.MobileNetV1(0.25f)))
            WeightFiles.TransformersNamesTests.WriteTranslated(
                path, network, WeightFiles.TransformersNamesTests.NamesOf("mobilenetv1_025"));
        _hub.Add("config.json", """
            { "model_type": "mobilenet_v1", "architectures": ["MobileNetV1ForImageClassification"], "depth_multiplier": 0.25,
              "hidden_act": "relu6", "image_size": 224, "layer_norm_eps": 0.002, "tf_padding": true }
            """);
        _hub.Files["model.safetensors"] = File.ReadAllBytes(path);
        File.Delete(path);
    }

    private void Publish(byte[] weights, string? config = null)
    {
        _hub.Add("config.json", config ?? FakeHub.Config());
        _hub.Files["model.safetensors"] = weights;
    }

    private void PublishShards(params string[] names)
    {
        _hub.Add("config.json", FakeHub.Config());
        var files = string.Join(", ", names.Select((name, i) => $"\"tensor{i}\": \"{name}\""));
        _hub.Add("model.safetensors.index.json", $$"""{ "metadata": { "total_size": 5 }, "weight_map": { {{files}} } }""");
    }

    /// <summary>The micro network's file as timm would write it: the same tensors without preprocessing metadata.</summary>
    private static byte[] WeightsWithoutRecipe()
    {
        var length = BitConverter.ToInt32(s_micro, 0);
        var header = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(s_micro.AsSpan(8, length))!;
        header["__metadata__"] = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["format"] = "pt" });
        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. s_micro.AsSpan(8 + length)];
    }
}
