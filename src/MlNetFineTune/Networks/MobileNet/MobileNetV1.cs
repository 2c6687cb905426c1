using MlNetFineTune.MlNet;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// MobileNetV1 (Howard et al. 2017, https://arxiv.org/abs/1704.04861) at any width, with timm's names (<c>mobilenetv1_100</c>):
/// thirteen depthwise separable convolutions, ReLU6, no residuals.
/// </summary>
internal sealed class MobileNetV1 : BackboneNetwork
{
    // (output channels, repeats, stride of the first repeat) as in table 1 of the paper, grouped as timm groups them.
    private static readonly (int Channels, int Repeats, int Stride)[] s_groups =
        [(64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)];

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_stem;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<ModuleList<SeparableConv>> blocks = [];
#pragma warning restore IDE1006

    /// <summary>The widths that have published weights.</summary>
    public static IReadOnlyList<Architecture> Architectures { get; } =
    [
        OfWidth(0.25f) with { Costs = new(213_072, 40_774_272, 256) },
        OfWidth(0.5f) with { Costs = new(818_592, 148_985_088, 512) },
        OfWidth(0.75f) with { Costs = new(1_816_560, 324_632_448, 768) },
        OfWidth(1) with { Costs = new(3_206_976, 567_716_352, 1024) },
    ];

    public static Architecture OfWidth(float width) => new(
        FormattableString.Invariant($"mobilenetv1_{(int)MathF.Round(width * 100):000}"), "classifier",
        new WeightsRecipe(new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new MobileNetV1(width, recipe.Padding, recipe.Epsilon))
    {
        PadsAsTensorFlow = true,
        OtherNames = [InTransformers.MobileNetV1(s_groups.Select(group => group.Repeats))],
        OtherRecipes = new Dictionary<string, WeightsRecipe> { [InTransformers.Naming] = InTransformers.MobileNets },
    };

    /// <summary>The architecture of a name such as <c>mobilenetv1_035</c>; null for other names.</summary>
    public static Architecture? OfAnyWidth(string name)
    {
        const string prefix = "mobilenetv1_";
        return name.StartsWith(prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(prefix.Length), System.Globalization.NumberStyles.None, null, out var percent)
            && percent is >= 10 and <= 400
            ? OfWidth(percent / 100f)
            : null;
    }

    private MobileNetV1(float width, Backbone.ConvolutionPadding padding, double epsilon)
        : base(nameof(MobileNetV1), Scaled(1024, width))
    {
        var channels = Scaled(32, width);
        conv_stem = new Conv2d(3, channels, 3, stride: 2, padding: padding);
        bn1 = new BatchNorm2d(channels, epsilon);
        var stem = Pair(nameof(conv_stem), conv_stem, bn1, Activation.ReLU6);
        AddStage("stem", [nameof(conv_stem), nameof(bn1)], Computation.Of(stem));

        // There are no residual sums: all channels can be pruned except the features.
        var entering = ChannelGroup.Of(stem);
        for (var g = 0; g < s_groups.Length; g++)
        {
            var group = new ModuleList<SeparableConv>();
            var style = new MobileUnitStyle(padding, epsilon);
            for (var r = 0; r < s_groups[g].Repeats; r++)
            {
                var outChannels = Scaled(s_groups[g].Channels, width);
                group.Add(
                    new SeparableConv(channels, outChannels, r == 0 ? s_groups[g].Stride : 1, style, Activation.ReLU6, residual: false));
                channels = outChannels;
                AddChannels(group[r].Take(entering));
                entering = group[r].Leaving;
            }
            blocks.Add(group);
            AddBlocks($"blocks.{g}", [.. group], last: g == s_groups.Length - 1);
        }
        RegisterComponents();
    }

    /// <summary>Channels at a width multiplier: the nearest multiple of 8, but never more than a tenth below
    /// (the rule of the authors' code).</summary>
    internal static int Scaled(int channels, float width)
    {
        var target = channels * width;
        var rounded = Math.Max(8, (int)(target + 4) / 8 * 8);
        return rounded < 0.9f * target ? rounded + 8 : rounded;
    }
}
