using System.IO.Compression;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Real weights load by name: every tensor of torchvision's networks is one of ours, and the other way round;
/// parameters as many as published.</summary>
[TestClass]
public sealed class TensorNamesTests
{
    private static readonly Lazy<Dictionary<string, (long Parameters, string[] Tensors)>> s_torchvision = new(ReadTorchvision);

    [TestMethod]
    [DataRow("mobilenet_v3_small", "mobilenetv3_small_100")]
    [DataRow("mobilenet_v3_large", "mobilenetv3_large_100")]
    [DataRow("efficientnet_b0", "efficientnet_b0")]
    [DataRow("efficientnet_b1", "efficientnet_b1")]
    [DataRow("efficientnet_b2", "efficientnet_b2")]
    [DataRow("efficientnet_b3", "efficientnet_b3")]
    [DataRow("efficientnet_b4", "efficientnet_b4")]
    [DataRow("convnext_tiny", "convnext_tiny")]
    [DataRow("convnext_small", "convnext_small")]
    [DataRow("convnext_base", "convnext_base")]
    [DataRow("vit_b_16", "vit_base_patch16_224")]
    public void TorchvisionsTensorsAreOurs(string theirs, string ours)
    {
        var architecture = Architectures.Find(ours)!;
        using var network = architecture.Create(architecture.DefaultRecipe);
        var (parameters, tensors) = s_torchvision.Value[theirs];
        var map = architecture.OtherNames.Single(names => names.Naming == "torchvision");

        var translated = tensors.Select(line => line.Split(' ')).Select(line => $"{map.ToOurs(line[0])} {line[1]}")
            .Where(line => !line.StartsWith(architecture.Classifier + ".", StringComparison.Ordinal));
        var own = network.NamedTensors().Select(named => $"{named.Name} {string.Join('x', named.Tensor.shape.Where(size => size != 1))}");
        CollectionAssert.AreEqual(own.Order(StringComparer.Ordinal).ToArray(), translated.Order(StringComparer.Ordinal).ToArray());
        Assert.AreEqual(parameters, WithClassifier(network));
    }

    /// <summary>A 1x1 convolution of ours is a linear layer there; epsilon and interpolation are others.</summary>
    [TestMethod]
    public void AFileOfTorchvisionLoadsWithItsOwnRecipe()
    {
        var map = Architectures.Find("mobilenetv3_small_100")!.OtherNames.Single();
        var path = Path.Combine(SmallPictures.NewFolder(), "mobilenet_v3_small.safetensors");
        using (var scope = torch.NewDisposeScope())
        {
            SafeTensorsWriter.WriteFile(path,
                [.. s_torchvision.Value["mobilenet_v3_small"].Tensors.Select(line => line.Split(' '))
                    .Select(line => (line[0], Filled(map.ToOurs(line[0]), line[1])))], new Dictionary<string, string>());
        }

        var backbone = Backbone.MobileNetV3Small().WithWeights(path);
        Assert.AreEqual((1e-3, Interpolation.Bilinear), (backbone.Recipe.Epsilon, backbone.Preprocessing.Interpolation));
        Assert.AreEqual((1e-5, Interpolation.Bicubic),
            (Backbone.MobileNetV3Small().Recipe.Epsilon, Backbone.MobileNetV3Small().Preprocessing.Interpolation));
        var notes = new List<string>();
        using var network = backbone.CreateNetwork(seed: 1, notes.Add);
        StringAssert.Contains(string.Join("\n", notes), "torchvision's and were translated");
        foreach (var (name, tensor) in network.NamedTensors())
        {
            using var expected = Filled(name, string.Join('x', tensor.shape.Where(size => size != 1)));
            CollectionAssert.AreEqual(expected.Values(), tensor.Values(), name);
        }

        static torch.Tensor Filled(string name, string shape)
        {
            var tensor =
                torch.empty([.. shape.Split('x').Select(size => long.Parse(size, System.Globalization.CultureInfo.InvariantCulture))]);
            Formula.Fill(name, tensor);
            return tensor;
        }
    }

    /// <summary>With a head of 1000 classes, except DINOv2 (0), as timm counts them.</summary>
    [TestMethod]
    [DataRow("mobilenetv3_small_100", 2_542_856)]
    [DataRow("mobilenetv3_large_100", 5_483_032)]
    [DataRow("efficientnet_b0", 5_288_548)]
    [DataRow("vit_tiny_patch16_224", 5_717_416)]
    [DataRow("vit_small_patch16_224", 22_050_664)]
    [DataRow("vit_base_patch16_224_mean", 86_567_656)]
    [DataRow("deit_tiny_patch16_224", 5_717_416)]
    [DataRow("deit_base_patch16_224", 86_567_656)]
    public void ANetworkHasAsManyParametersAsPublished(string name, int parameters)
    {
        using var network = Create(name);
        Assert.AreEqual(parameters, WithClassifier(network));
    }

    /// <summary>The sums of the papers' layers, counted by hand: positions, class token, patches, 12 blocks with two scales each,
    /// norm.</summary>
    [TestMethod]
    [DataRow("vit_small_patch14_dinov2", 384)]
    [DataRow("vit_base_patch14_dinov2", 768)]
    public void DinoV2HasItsLayers(string name, long c)
    {
        using var network = Create(name);
        var block = 2 * 2 * c + (3 * c * c + 3 * c) + (c * c + c) + (4 * c * c + 4 * c) + (4 * c * c + c) + 2 * c;
        Assert.AreEqual(1370 * c + c + (3 * 14 * 14 * c + c) + 12 * block + 2 * c,
            network.parameters().Sum(parameter => parameter.numel()));
        foreach (var expected in new[]
        {
            "cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.11.ls1.gamma", "blocks.11.ls2.gamma", "blocks.0.attn.qkv.bias",
            "blocks.3.mlp.fc2.weight", "norm.bias"
        })
            Assert.IsTrue(network.NamedTensors().Any(named => named.Name == expected), expected);
    }

    private static BackboneNetwork Create(string name)
    {
        var architecture = Architectures.Find(name)!;
        return architecture.Create(architecture.DefaultRecipe);
    }

    private static long WithClassifier(BackboneNetwork network) =>
        network.parameters().Sum(parameter => parameter.numel()) + 1000 * (network.Features + 1);

    private static Dictionary<string, (long Parameters, string[] Tensors)> ReadTorchvision()
    {
        using var file = File.OpenRead(
            Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchvision-names.txt.gz"));
        using var text = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        var networks = text.ReadToEnd().Split("= ", StringSplitOptions.RemoveEmptyEntries)
            .Select(network => network.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return networks.ToDictionary(lines => lines[0].Split(' ')[0],
            lines => (long.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), lines[1..]));
    }
}
