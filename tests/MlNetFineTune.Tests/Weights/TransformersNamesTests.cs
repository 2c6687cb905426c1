using System.Globalization;
using System.IO.Compression;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightSources;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>
/// Files in Hugging Face transformers' names, and in any wrapper's. The names and numbers are those of
/// tools/reference/transformers_fixture.py, which shares no code with ours.
/// </summary>
[TestClass]
public sealed class TransformersNamesTests
{
    private static readonly Dictionary<string, string> s_nothing = [];

    private static readonly Lazy<Dictionary<string, (string Theirs, string Ours, int First, int Last)[]>> s_names = new(ReadNames);

    [TestMethod]
    [DataRow("vit_tiny_patch16_224", true)]
    [DataRow("deit_tiny_patch16_224", false)]
    [DataRow("vit_small_patch14_dinov2", false)]
    [DataRow("convnext_tiny", false)]
    [DataRow("resnet18", true)]
    [DataRow("resnet50", false)]
    [DataRow("regnet_y_400mf", true)]
    [DataRow("mobilenetv1_025", true)]
    [DataRow("mobilenetv2_100", true)]
    [DataRow("tf_efficientnet_b0", true)]
    [DataRow("efficientnet_b1", false)]
    public void WeightsUnderTransformersNamesAreTheSame(string name, bool scores)
    {
        using var folder = new Folder();
        var backbone = Backbone.FromName(name);
        using var original = backbone.FromScratch().CreateNetwork(seed: 1);
        foreach (var (tensorName, tensor) in original.NamedTensors())
            Formula.Fill(tensorName, tensor);
        var theirs = folder.File("theirs.safetensors");
        WriteTranslated(theirs, original, s_names.Value[name]);

        var notes = new List<string>();
        var translated = backbone.WithWeights(theirs);
        using var network = translated.CreateNetwork(seed: 0, notes.Add);
        StringAssert.Contains(string.Join("\n", notes), "are transformers's and were translated to those of " + name);
        AssertSame(original, network);
        if (!scores)
            return;

        // The same recipe, so that the same numbers are computed.
        var own = folder.File("own.safetensors");
        SafeTensorsWriter.WriteFile(own, original.NamedTensors(), translated.Recipe.ToMetadata());
        using var direct = backbone.WithWeights(own).CreateNetwork(seed: 0);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        network.eval();
        direct.eval();
        var pixels = Formula.Images(1, translated.Preprocessing.Size, translated.Preprocessing.Size);
        CollectionAssert.AreEqual(direct.forward(pixels).Values(), network.forward(pixels).Values());
        pixels.Dispose();
    }

    [TestMethod]
    public void TheModelTypesThatAreReadAreThoseOfTheArchitectures() =>
        CollectionAssert.AreEqual(
            Architectures.All.SelectMany(architecture => architecture.OtherNames).SelectMany(names => names.ModelTypes).Distinct()
                .Order(StringComparer.Ordinal).ToArray(),
            MlNetFineTune.WeightSources.TransformersConfig.ModelTypes.ToArray());

    [TestMethod]
    [DataRow("vit")]
    [DataRow("dinov2")]
    [DataRow("convnext")]
    public void ItComputesWhatTransformersModulesCompute(string name)
    {
        var expected = Fixture.Read("transformers.json").GetProperty(name);
        var size = (int)expected.Number("size");
        var recipe = new WeightsRecipe(new ImagePreprocessing { Size = size }, Backbone.ConvolutionPadding.Symmetric, 1e-6);
        var (vit, dino) = (new TransformerShape(Patch: 16, Channels: 48, Heads: 3, Blocks: 3),
            new TransformerShape(14, 32, 2, 2, ScalesBranches: true));
        Architecture architecture = new(name, name == "convnext" ? "head.fc" : "head", recipe, own => name == "convnext"
            ? new ConvNeXt([1, 2, 1, 1], [16, 24, 32, 48], own.Epsilon)
            : new VisionTransformer(name == "vit" ? vit : dino, size, Backbone.TokenPooling.ClassToken, own.Epsilon))
        {
            OtherNames =
                [name switch { "vit" => InTransformers.ViT(3), "dinov2" => InTransformers.DinoV2(2),
                    _ => InTransformers.ConvNeXt([1, 2, 1, 1]) }],
            Unneeded = [VisionTransformer.MaskToken],
        };
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        SafeTensorsWriter.WriteFile(path, [.. expected.GetProperty("tensors").EnumerateObject().Select(one =>
        {
            var shape = one.Value.Numbers().Select(length => (long)length).ToArray();
            return (one.Name, tensor(Formula.Values(one.Name, shape), shape));
        })], s_nothing);
        using var network = Formula.Made(ScalarType.Float64, () => architecture.Create(architecture.DefaultRecipe));
        using (var file = WeightFile.Open(path))
            StrictLoader.Load(file, network.NamedTensors(), name, architecture.MayIgnore, architecture.OtherNames, network.Adaptation);
        network.eval();
        using var pixels = Formula.Images(2, size, size, type: ScalarType.Float64);
        Fixture.AreClose(expected.GetProperty("features").Numbers(), network.forward(pixels).Values(), 1e-6, name);
    }

    [TestMethod]
    [DataRow("timm_model.")]
    [DataRow("resnet.")]
    [DataRow("vit.")]
    [DataRow("feature_extractor.")]
    [DataRow("base_model.model.")]
    [DataRow("module.model.backbone.encoder.")]
    [DataRow("backbone.0.body.")]
    [DataRow("_orig_mod.module.model._orig_mod.net.")]
    [DataRow("a.wrapper.that.nobody.knows.")]
    public void AnyPrefixIsTakenOff(string prefix)
    {
        using var network = Filled(Backbone.Micro);
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        var path = folder.File("w.safetensors");
        var wrapped = network.NamedTensors().Select(one => (prefix + one.Name, one.Tensor));
        SafeTensorsWriter.WriteFile(path,
            [.. wrapped, (prefix + "fc.weight", ones(2, 128)), ("classifier.weight", ones(2, 128))], s_nothing);
        var notes = new List<string>();
        using var read = Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0, notes.Add);
        AssertSame(network, read);
        StringAssert.Contains(string.Join("\n", notes), $"The prefix '{prefix}' was taken off");
        StringAssert.Contains(string.Join("\n", notes), "left out: classifier.weight.");
    }

    [TestMethod]
    public void OfANetworkThatIsThereTwiceTheAverageIsTakenOrTheUserAsked()
    {
        using var network = Filled(Backbone.Micro);
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        Write("teacher.backbone.", "student.backbone.");
        var notes = new List<string>();
        using (Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0, notes.Add))
            StringAssert.Contains(string.Join("\n", notes), "The prefix 'teacher.backbone.' was taken off");
        Write("encoder_q.", "encoder_k.");
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, "hold micro several times, under encoder_k., encoder_q.. In Python save the one");

        void Write(params string[] prefixes) => SafeTensorsWriter.WriteFile(
            path, [.. prefixes.SelectMany(prefix => network.NamedTensors().Select(one => (prefix + one.Name, one.Tensor)))], s_nothing);
    }

    [TestMethod]
    public void AMissingPartOfATensorIsNamed()
    {
        using var folder = new Folder();
        using var original = Filled(Backbone.ViT(Backbone.Size.Tiny));
        var path = folder.File("w.safetensors");
        const string missing = "vit.encoder.layer.4.attention.attention.key.bias";
        WriteTranslated(path, original, [.. s_names.Value["vit_tiny_patch16_224"].Where(line => line.Theirs != missing)]);
        var backbone = Backbone.ViT(Backbone.Size.Tiny).WithWeights(path);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => backbone.CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, "Missing in the file (1): blocks.4.attn.qkv.bias [192] (part 2 of 3).");
    }

    [TestMethod]
    public void TheHintKnowsTransformersNames()
    {
        using var folder = new Folder();
        using var original = Filled(Backbone.MobileNetV1(0.25f));
        var path = folder.File("w.safetensors");
        WriteTranslated(path, original, s_names.Value["mobilenetv1_025"]);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.ResNet18.WithWeights(path).CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, "These are the weights of mobilenetv1_025: choose Backbone.FromName");
    }

    [TestMethod]
    public void TheAuthorsNamesOfConvNeXtAreUnderstood()
    {
        var map = Architectures.Find("convnext_tiny")!.OtherNames.Single(names => names.Naming == "the authors");
        foreach (var (theirs, ours) in new[]
        {
            ("downsample_layers.0.0.weight", "stem.0.weight"), ("downsample_layers.2.1.bias", "stages.2.downsample.1.bias"),
            ("stages.2.8.dwconv.weight", "stages.2.blocks.8.conv_dw.weight"), ("stages.0.1.pwconv2.bias", "stages.0.blocks.1.mlp.fc2.bias"),
            ("stages.3.2.gamma", "stages.3.blocks.2.gamma"), ("norm.weight", "head.norm.weight"), ("head.bias", "head.fc.bias"),
        })
        {
            Assert.AreEqual(ours, map.ToOurs(theirs));
        }
    }

    /// <summary>
    /// A network's tensors under transformers' names, with the classifier that comes with them, and what a bare ViT has behind its class
    /// token.
    /// </summary>
    internal static void WriteTranslated(
        string path, BackboneNetwork network, IReadOnlyList<(string Theirs, string Ours, int First, int Last)> names)
    {
        using var scope = NewDisposeScope();
        var tensors = network.NamedTensors().ToDictionary(one => one.Name, one => one.Tensor, StringComparer.Ordinal);
        List<(string, Tensor)> translated = [.. names.Select(line =>
            (line.Theirs, line.Last == 0 ? tensors[line.Ours] : tensors[line.Ours].narrow(0, line.First, line.Last - line.First)))];
        translated.Add(("classifier.weight", ones(2, 3)));
        if (names[0].Theirs.StartsWith("vit.", StringComparison.Ordinal))
            translated.Add(("vit.pooler.dense.weight", ones(2, 2)));
        if (names[0].Theirs.StartsWith("embeddings.", StringComparison.Ordinal))
            translated = [.. translated.SkipLast(1), ("embeddings.mask_token", ones(1, 2))]; // a bare network
        SafeTensorsWriter.WriteFile(path, translated, s_nothing);
    }

    internal static IReadOnlyList<(string Theirs, string Ours, int First, int Last)> NamesOf(string network) => s_names.Value[network];

    /// <summary>With numbers by formula. The caller disposes it.</summary>
    internal static BackboneNetwork Filled(Backbone backbone)
    {
        var network = backbone.FromScratch().CreateNetwork(seed: 1);
        foreach (var (name, tensor) in network.NamedTensors())
            Formula.Fill(name, tensor);
        return network;
    }

    internal static void AssertSame(BackboneNetwork expected, BackboneNetwork actual)
    {
        foreach (var ((name, tensor), read) in expected.NamedTensors().Zip(actual.NamedTensors()))
            Assert.IsTrue(tensor.bytes.SequenceEqual(read.Tensor.bytes), name);
    }

    private static Dictionary<string, (string Theirs, string Ours, int First, int Last)[]> ReadNames()
    {
        var path = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "transformers-names.txt.gz");
        using var file = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        var networks = new Dictionary<string, List<(string, string, int, int)>>();
        var current = new List<(string, string, int, int)>();
        while (file.ReadLine() is { } line)
        {
            var words = line.Split(' ');
            if (words[0] == "=")
                networks[words[1]] = current = [];
            else
                current.Add(
                    (words[0], words[1], int.Parse(words[2], CultureInfo.InvariantCulture),
                        int.Parse(words[3], CultureInfo.InvariantCulture)));
        }
        return networks.ToDictionary(pair => pair.Key, pair => pair.Value.ToArray());
    }
}
