using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using TorchSharp.Modules;

namespace MlNetFineTune.Networks;

/// <summary>MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381), width 1.0,
/// with timm's names (<c>mobilenetv2_100</c>).</summary>
internal sealed class MobileNetV2 : BackboneNetwork
{
    // (expansion, output channels, repeats, stride of the first repeat): table 2 of the paper.
    private static readonly (int Expansion, int Channels, int Repeats, int Stride)[] s_groups =
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_stem;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<ModuleList<Block>> blocks = [];
    private readonly Conv2d conv_head;
    private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006

    public static Architecture Architecture { get; } = new(
        "mobilenetv2_100", "classifier",
        new WeightsRecipe(new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new MobileNetV2(recipe.Padding, recipe.Epsilon))
    {
        PadsAsTensorFlow = true,
        OtherNames =
        [
            new NameMap("torchvision", TorchvisionNames().ToOurs),
            InTransformers.MobileNetV2(s_groups.Select(group => group.Repeats)),
        ],
        OtherRecipes = new Dictionary<string, WeightsRecipe>
        {
            ["torchvision"] = new(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5), // bilinear
            [InTransformers.Naming] = InTransformers.MobileNets,
        },
        Costs = new(2_223_872, 299_494_272, 1280),
    };

    private MobileNetV2(Backbone.ConvolutionPadding padding, double epsilon)
        : base(nameof(MobileNetV2), features: 1280)
    {
        var channels = 32;
        conv_stem = new Conv2d(3, channels, 3, stride: 2, padding: padding);
        bn1 = new BatchNorm2d(channels, epsilon);
        var stem = Pair(nameof(conv_stem), conv_stem, bn1, Activation.ReLU6);
        AddStage("stem", [nameof(conv_stem), nameof(bn1)], Computation.Of(stem));

        for (var g = 0; g < s_groups.Length; g++)
        {
            var (expansion, outChannels, repeats, firstStride) = s_groups[g];
            var group = new ModuleList<Block>();
            var style = new MobileUnitStyle(padding, epsilon);
            for (var r = 0; r < repeats; r++)
            {
                var stride = r == 0 ? firstStride : 1;
                group.Add(expansion == 1
                    ? new SeparableConv(channels, outChannels, stride, style, Activation.None, residual: true)
                    : new InvertedResidual(channels, channels * expansion, outChannels, stride, style));
                channels = outChannels;
            }
            blocks.Add(group);
            AddBlocks($"blocks.{g}", [.. group], last: false);
        }

        conv_head = new Conv2d(channels, Features, 1);
        bn2 = new BatchNorm2d(Features, epsilon);
        var head = Pair(nameof(conv_head), conv_head, bn2, Activation.ReLU6);
        // [N, 1280, 7, 7] -> [N, 1280]
        AddStage(nameof(conv_head), [nameof(conv_head), nameof(bn2)], Computation.Of(head), Computation.Average);
        RegisterComponents();
    }

    // All in one list, `features`; in a unit the pairs of convolution and BatchNorm lie in lists of their own, but for the last.
    private static ModuleNames TorchvisionNames()
    {
        var names = new ModuleNames();
        names.AddPair("features.0", nameof(conv_stem), nameof(bn1));
        var place = 1;
        for (var g = 0; g < s_groups.Length; g++)
        {
            for (var r = 0; r < s_groups[g].Repeats; r++, place++)
            {
                var (unit, ours) = ($"features.{place}.conv", $"blocks.{g}.{r}");
                var expands = s_groups[g].Expansion > 1;
                if (expands)
                    names.AddPair($"{unit}.0", $"{ours}.conv_pw", $"{ours}.bn1");
                var depthwise = expands ? 1 : 0;
                names.AddPair($"{unit}.{depthwise}", $"{ours}.conv_dw", expands ? $"{ours}.bn2" : $"{ours}.bn1");
                names.Add($"{unit}.{depthwise + 1}", expands ? $"{ours}.conv_pwl" : $"{ours}.conv_pw");
                names.Add($"{unit}.{depthwise + 2}", expands ? $"{ours}.bn3" : $"{ours}.bn2");
            }
        }
        names.AddPair($"features.{place}", nameof(conv_head), nameof(bn2));
        return names;
    }
}
