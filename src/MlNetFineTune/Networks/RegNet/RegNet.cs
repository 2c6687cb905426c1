using MlNetFineTune.MlNet;

namespace MlNetFineTune.Networks;

/// <summary>
/// RegNetY (Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678): networks from one design space, whose widths and depths lie on a
/// line; blocks of three convolutions, the middle one in groups, with squeeze and excitation. torchvision's names; timm's load as well.
/// </summary>
internal sealed class RegNet : BackboneNetwork
{
    // Million multiply-adds, the size in the name, channels of a group, blocks and channels of each stage: what the paper's rule gives,
    // as torchvision rounds it.
    private static readonly (int Megaflops, string Size, int GroupWidth, int[] Depths, int[] Widths, Costs Costs)[] s_members =
    [
        (400, "400mf", 8, [1, 3, 6, 6], [48, 104, 208, 440], new(3_903_144, 401_402_848, 440)),
        (800, "800mf", 16, [1, 3, 8, 2], [64, 144, 320, 784], new(5_647_512, 833_072_256, 784)),
        (1600, "1_6gf", 24, [2, 6, 17, 2], [48, 120, 336, 888], new(10_313_430, 1_611_188_160, 888)),
        (3200, "3_2gf", 24, [2, 5, 13, 1], [72, 216, 576, 1512], new(17_923_338, 3_174_970_752, 1512)),
        (8000, "8gf", 56, [2, 4, 10, 1], [224, 448, 896, 2016], new(37_364_472, 8_471_054_592, 2016)),
        (16000, "16gf", 112, [2, 4, 11, 1], [224, 448, 1232, 3024], new(80_565_140, 15_908_486_272, 3024)),
        (32000, "32gf", 232, [2, 5, 12, 1], [232, 696, 1392, 3712], new(141_333_770, 32_275_840_832, 3712)),
    ];

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly NumberedConvNorm stem;
    private readonly NamedModules trunk_output = new(nameof(trunk_output));
#pragma warning restore IDE1006

    private RegNet(string name, int groupWidth, int[] depths, int[] widths, double epsilon)
        : base(name, widths[^1])
    {
        var channels = 32;
        stem = new NumberedConvNorm(new Conv2d(3, channels, 3, stride: 2), channels, epsilon, Activation.ReLU);
        AddPair(nameof(stem), stem.Pair);
        AddStage("stem", [nameof(stem)], Computation.Of(stem.Pair));

        for (var s = 1; s <= depths.Length; s++)
        {
            var stage = trunk_output.Add($"block{s}", new NamedModules("block"));
            var blocks = new List<Block>();
            for (var b = 0; b < depths[s - 1]; b++)
            {
                blocks.Add(
                    stage.Add($"block{s}-{b}", new RegNetBlock(channels, widths[s - 1], stride: b == 0 ? 2 : 1, groupWidth, epsilon)));
                channels = widths[s - 1];
            }
            AddBlocks($"block{s}", [$"{nameof(trunk_output)}.block{s}"], blocks, pool: s == depths.Length ? Computation.Average : null);
        }
        RegisterComponents();
    }

    /// <summary>The million multiply-adds by which members are called.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [.. s_members.Select(member => member.Megaflops)];

    public static IReadOnlyList<Architecture> Architectures { get; } = [.. Sizes.Select(OfSize)];

    public static Architecture OfSize(int megaflops)
    {
        var (_, size, groupWidth, depths, widths, costs) = s_members.Single(member => member.Megaflops == megaflops);
        var name = $"regnet_y_{size}";
        return new(
            name, "fc", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
            recipe => new RegNet(name, groupWidth, depths, widths, recipe.Epsilon))
        {
            NameInTimm = RegNetInTimm.NameOf(megaflops),
            OtherNames = [RegNetInTimm.Names, InTransformers.RegNetY(depths)],
            Costs = costs,
        };
    }
}
