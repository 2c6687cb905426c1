using System.Globalization;
using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// MobileNetV3 small and large (Howard et al. 2019, https://arxiv.org/abs/1905.02244, tables 1 and 2) with timm's names
/// (<c>mobilenetv3_large_100</c>). The hidden layer of the original classifier, a convolution after the averaging, is the last
/// stage: its 1024 or 1280 outputs are the features, as timm's <c>forward_head(pre_logits=True)</c> gives them. timm normalises
/// with epsilon 1e-5, torchvision with 1e-3.
/// </summary>
internal sealed class MobileNetV3 : BackboneNetwork
{
    private const double TorchvisionEpsilon = 1e-3;

    private sealed record Unit(int Kernel, float Expansion, int Channels, bool Squeezes, Activation Activation, int Stride = 1);

    private const Activation RE = Activation.ReLU, HS = Activation.Hardswish; // the paper's names

    // Grouped as timm groups them; an expansion of 1 is a depthwise separable convolution.
    private static readonly Unit[][] s_large =
    [
        [new(3, 1, 16, false, RE)],
        [new(3, 4, 24, false, RE, 2), new(3, 3, 24, false, RE)],
        [new(5, 3, 40, true, RE, 2), new(5, 3, 40, true, RE), new(5, 3, 40, true, RE)],
        [new(3, 6, 80, false, HS, 2), new(3, 2.5f, 80, false, HS), new(3, 2.3f, 80, false, HS), new(3, 2.3f, 80, false, HS)],
        [new(3, 6, 112, true, HS), new(3, 6, 112, true, HS)],
        [new(5, 6, 160, true, HS, 2), new(5, 6, 160, true, HS), new(5, 6, 160, true, HS)],
    ];

    private static readonly Unit[][] s_small =
    [
        [new(3, 1, 16, true, RE, 2)],
        [new(3, 4.5f, 24, false, RE, 2), new(3, 3.67f, 24, false, RE)],
        [new(5, 4, 40, true, HS, 2), new(5, 6, 40, true, HS), new(5, 6, 40, true, HS)],
        [new(5, 3, 48, true, HS), new(5, 3, 48, true, HS)],
        [new(5, 6, 96, true, HS, 2), new(5, 6, 96, true, HS), new(5, 6, 96, true, HS)],
    ];

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_stem;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<ModuleList<Block>> blocks = [];
    private readonly Conv2d conv_head;
#pragma warning restore IDE1006

    private MobileNetV3(bool large, float width, Backbone.ConvolutionPadding padding, double epsilon)
        : base(nameof(MobileNetV3), features: large ? 1280 : 1024)
    {
        // timm does not scale the stem of narrow networks.
        var channels = width < 0.75f ? 16 : MobileNetV1.Scaled(16, width);
        conv_stem = new Conv2d(3, channels, 3, stride: 2, padding: padding);
        bn1 = new BatchNorm2d(channels, epsilon);
        var stem = Pair(nameof(conv_stem), conv_stem, bn1, HS);
        AddStage("stem", [nameof(conv_stem), nameof(bn1)], Computation.Of(stem));

        foreach (var units in large ? s_large : s_small)
        {
            var group = new ModuleList<Block>();
            foreach (var unit in units)
            {
                var style = new MobileUnitStyle(padding, epsilon)
                {
                    Kernel = unit.Kernel,
                    Activation = unit.Activation,
                    Gate = unit.Squeezes ? Gate : null
                };
                var outChannels = MobileNetV1.Scaled(unit.Channels, width);
                group.Add(unit.Expansion == 1
                    ? new SeparableConv(channels, outChannels, unit.Stride, style, Activation.None, residual: true)
                    : new InvertedResidual(channels, MobileNetV1.Scaled(channels, unit.Expansion), outChannels, unit.Stride, style));
                channels = outChannels;
            }
            AddGroup(group);
        }
        var wide = MobileNetV1.Scaled(large ? 960 : 576, width);
        AddGroup([new PointwiseConv(channels, wide, epsilon, HS)]);

        conv_head = new Conv2d(wide, Features, 1, bias: true);
        AddStage(nameof(conv_head), [nameof(conv_head)], new Computation(Hidden, WriteHidden), Computation.Average, givesMaps: false);
        RegisterComponents();

        void AddGroup(ModuleList<Block> group)
        {
            AddBlocks($"blocks.{blocks.Count}", [.. group], last: false);
            blocks.Add(group);
        }
    }

    /// <summary>The published widths.</summary>
    public static IReadOnlyList<Architecture> Architectures { get; } =
    [
        OfWidth(large: false, 0.5f) with { Costs = new(568_224, 23_164_688, 1024) },
        OfWidth(large: false, 0.75f) with { Costs = new(1_016_872, 42_375_344, 1024) },
        OfWidth(large: false, 1) with { Costs = new(1_517_856, 55_486_400, 1024) },
        OfWidth(large: true, 0.75f) with { Costs = new(2_712_528, 153_280_624, 1280) },
        OfWidth(large: true, 1) with { Costs = new(4_202_032, 215_309_760, 1280) },
    ];

    public static Architecture OfWidth(bool large, float width)
    {
        var recipe = new WeightsRecipe(
            new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, Backbone.ConvolutionPadding.Symmetric, 1e-5);
        return new(
            $"{Prefix(large)}{((int)MathF.Round(width * 100)).ToString("000", CultureInfo.InvariantCulture)}", "classifier", recipe,
            own => new MobileNetV3(large, width, own.Padding, own.Epsilon))
        {
            PadsAsTensorFlow = true,
            OtherNames = [new NameMap("torchvision", TorchvisionNames(large).ToOurs)],
            OtherRecipes = new Dictionary<string, WeightsRecipe>
            {
                ["torchvision"] = new(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, TorchvisionEpsilon),
            },
        };
    }

    /// <summary>The architecture of a name such as <c>mobilenetv3_small_035</c>; null for other names.</summary>
    public static Architecture? OfAnyWidth(string name)
    {
        foreach (var large in new[] { false, true })
        {
            if (name.StartsWith(Prefix(large), StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(Prefix(large).Length), NumberStyles.None, CultureInfo.InvariantCulture, out var percent)
                && percent is >= 10 and <= 400)
            {
                return OfWidth(large, percent / 100f);
            }
        }
        return null;
    }

    private static string Prefix(bool large) => large ? "mobilenetv3_large_" : "mobilenetv3_small_";

    // A quarter of the channels, in multiples of 8.
    private static SqueezeExcitation Gate(int channels) =>
        new(channels, MobileNetV1.Scaled(channels, 0.25f), Activation.ReLU, Activation.Hardsigmoid);

    // [N, C, H, W] -> [N, 1280, 1, 1]
    private Tensor Hidden(Tensor maps)
    {
        using var means = maps.mean([2, 3], keepdim: true);
        return HS.ApplyInPlace(conv_head.forward(means));
    }

    private GraphValue WriteHidden(NetworkGraph graph, GraphValue maps) => HS.Write(graph, conv_head.Write(graph, graph.Average(maps)));

    // torchvision counts the units through and puts the parts of each into a list.
    private static ModuleNames TorchvisionNames(bool large)
    {
        var names = new ModuleNames();
        names.AddPair("features.0", "conv_stem", "bn1");
        var groups = large ? s_large : s_small;
        var place = 1;
        for (var g = 0; g < groups.Length; g++)
        {
            for (var u = 0; u < groups[g].Length; u++)
                names.AddUnit($"features.{place++}.block", $"blocks.{g}.{u}", groups[g][u].Expansion != 1, groups[g][u].Squeezes);
        }
        names.AddPair($"features.{place}", $"blocks.{groups.Length}.0.conv", $"blocks.{groups.Length}.0.bn1");
        names.Add("classifier.0", "conv_head");
        names.Add("classifier.3", "classifier");
        return names;
    }
}
