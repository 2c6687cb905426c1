using System.Globalization;
using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Full-sized networks: their tensors and their cost, against torchvision's and, where it has none,
/// against what the network itself counts.</summary>
[TestClass]
public sealed class BackboneCostsTests
{
    private static readonly JsonElement s_signatures = Fixture.Read("network-signatures.json");

    public static IEnumerable<object[]> Signatures => s_signatures.EnumerateObject().Where(network => network.Name != "mobilenet_v2")
        .Select(network => new object[] { network.Name });

    [TestMethod]
    [DynamicData(nameof(Signatures))]
    public void NamesShapesAndCostsAreTorchvisions(string name)
    {
        var expected = s_signatures.GetProperty(name);
        using var network = Empty(name);
        var lines = network.NamedTensors().Select(named => $"{named.Name} [{string.Join(", ", named.Tensor.shape)}]")
            .Order(StringComparer.Ordinal).ToArray();
        Assert.HasCount((int)expected.Number("tensors"), lines);
        Assert.AreEqual((uint)expected.Number("hash"), Formula.Fnv1a(string.Join('\n', lines)), $"the names and shapes of {name}");

        var size = (int)expected.Number("inputSize");
        var counted = new Backbone.Info(name, network.ParameterCount, MultiplyAdds(network, size), size, network.Features);
        Assert.AreEqual((long)expected.Number("parameters"), counted.Parameters);
        Assert.AreEqual((long)expected.Number("multiplyAdds"), counted.MultiplyAdds);
        Assert.AreEqual(counted, Backbone.List().Single(info => info.Name == name), "Architecture.Costs should be: " + Line(counted));
    }

    /// <summary>Ours has timm's names. Every name of torchvision's, with the shape of the tensor that it is translated to,
    /// gives torchvision's hash.</summary>
    [TestMethod]
    public void MobileNetV2IsTorchvisionsUnderOtherNames()
    {
        using var network = Empty("mobilenetv2_100");
        var map = MobileNetV2.Architecture.OtherNames.Single(names => names.Naming == "torchvision");
        var shapes = network.NamedTensors()
            .ToDictionary(named => named.Name, named => $"[{string.Join(", ", named.Tensor.shape)}]", StringComparer.Ordinal);
        var modules = new List<(string Conv, string Norm)>
        {
            ("features.0.0", "features.0.1"), ("features.18.0", "features.18.1"), ("features.1.conv.0.0", "features.1.conv.0.1"),
            ("features.1.conv.1", "features.1.conv.2")
        };
        for (var unit = 2; unit <= 17; unit++)
        {
            var path = $"features.{unit}.conv";
            modules.AddRange([($"{path}.0.0", $"{path}.0.1"), ($"{path}.1.0", $"{path}.1.1"), ($"{path}.2", $"{path}.3")]);
        }
        var names = modules.SelectMany(
            pair => new[] { "weight", "bias", "running_mean", "running_var" }.Select(tensor => $"{pair.Norm}.{tensor}")
            .Append($"{pair.Conv}.weight")).ToArray();
        CollectionAssert.AreEquivalent(shapes.Keys.ToArray(), names.Select(map.ToOurs).ToArray());

        Assert.AreEqual((Interpolation.Bilinear, Interpolation.Bicubic),
            (MobileNetV2.Architecture.RecipeOf(map)!.Preprocessing.Interpolation, Backbone.MobileNetV2.Preprocessing.Interpolation));

        var expected = s_signatures.GetProperty("mobilenet_v2");
        var lines = names.Select(name => $"{name} {shapes[map.ToOurs(name)]}").Order(StringComparer.Ordinal);
        Assert.AreEqual((uint)expected.Number("hash"), Formula.Fnv1a(string.Join('\n', lines)));
        Assert.AreEqual(((long)expected.Number("parameters"), (long)expected.Number("multiplyAdds")),
            (network.ParameterCount, Count(network, 224)));
    }

    [TestMethod]
    public void TheListSaysWhatTheOtherNetworksCost()
    {
        var listed = Backbone.List().Where(info => !s_signatures.TryGetProperty(info.Name, out var _)).ToArray();
        var counted = listed.Select(info =>
        {
            using var network = Empty(info.Name);
            return info with
            {
                Parameters = network.ParameterCount,
                MultiplyAdds = MultiplyAddsOf(network, info),
                Features = network.Features
            };
        }).ToArray();
        Assert.IsTrue(counted.SequenceEqual(listed), "Architecture.Costs should be:\n" + string.Concat(counted.Select(Line)));
    }

    [TestMethod]
    public void ATransformersCostIsCountedAsItsFormulaSays()
    {
        using var network = Small("dinov2", 42);
        Assert.AreEqual(OfTransformer(patch: 14, channels: 32, blocks: 2, size: 42), Count(network, 42));

        static BackboneNetwork Small(string name, int size) =>
            (FixtureNetworks.Find(name, 1).FromScratch() with { Preprocessing = new ImagePreprocessing { Size = size } })
            .CreateEmptyNetwork();
    }

    // A transformer at its full size takes seconds; convolutions cost by area.
    private static long MultiplyAddsOf(BackboneNetwork network, Backbone.Info info) => info.Name switch
    {
        _ when network is VisionTransformer =>
            OfTransformer(info.Name.Contains("patch14", StringComparison.Ordinal) ? 14 : 16, network.Features, blocks: 12, info.InputSize),
        _ when info.InputSize % 32 == 0 => MultiplyAdds(network, info.InputSize),
        _ => Count(network, info.InputSize),
    };

    /// <summary>Patches, then in each block 3 + 1 + 4 + 4 layers of C x C for each token, and attention's two products of T x T.</summary>
    private static long OfTransformer(int patch, long channels, int blocks, int size)
    {
        long places = size / patch * (size / patch), tokens = places + 1;
        return places * 3 * patch * patch * channels + blocks * (tokens * 12 * channels * channels + 2 * tokens * tokens * channels);
    }

    private static string Line(Backbone.Info info) =>
        $"{info.Name}: new({Grouped(info.Parameters)}, {Grouped(info.MultiplyAdds)}, {info.Features})\n";

    private static string Grouped(long number) => number.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '_');

    private static BackboneNetwork Empty(string name) => Backbone.FromName(name).FromScratch().CreateEmptyNetwork();

    /// <summary>
    /// Counted at 32 and 64 pixels and continued along the line, because convolutions cost by area and the rest does not depend on it;
    /// where 96 pixels do not lie on that line (SqueezeNet does not pad), at full size.
    /// </summary>
    private static long MultiplyAdds(BackboneNetwork network, int size)
    {
        if (size <= 96)
            return Count(network, size);
        var (small, middle, large) = (Count(network, 32), Count(network, 64), Count(network, 96));
        return large - middle == 5 * (middle - small) / 3 ? small + (middle - small) / 3 * (size * size / (32 * 32) - 1)
            : Count(network, size);
    }

    private static long Count(BackboneNetwork network, int size)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var counter = new MultiplyAddCounter();
        network.eval();
        network.forward(zeros(1, 3, size, size));
        return counter.Count;
    }
}
