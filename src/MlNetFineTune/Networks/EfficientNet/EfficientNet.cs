using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using TorchSharp.Modules;

namespace MlNetFineTune.Networks;

/// <summary>
/// EfficientNet-B0 to B4 (Tan and Le 2019, https://arxiv.org/abs/1905.11946) with timm's names (<c>efficientnet_b0</c>). The weights that
/// the authors trained in TensorFlow (timm's <c>tf_efficientnet_b0</c>) need <see cref="Backbone.ConvolutionPadding.TensorFlowSame"/> and
/// epsilon 1e-3; the architectures of that name have both. There is no stochastic depth in training: it helps in hundreds of epochs from
/// scratch, and fine-tuning takes few.
/// </summary>
internal sealed class EfficientNet : BackboneNetwork
{
    // (kernel, expansion, channels, repeats, stride of the first repeat): table 1 of the paper.
    private static readonly (int Kernel, int Expansion, int Channels, int Repeats, int Stride)[] s_groups =
        [(3, 1, 16, 1, 1), (3, 6, 24, 2, 2), (5, 6, 40, 2, 2), (3, 6, 80, 3, 2), (5, 6, 112, 3, 1), (5, 6, 192, 4, 2), (3, 6, 320, 1, 1)];

    // (width, depth): the authors' coefficients; (size, share of the picture): timm's, then TensorFlow's.
    private static readonly (float Width, float Depth, int Size, int TensorFlowSize, float TensorFlowCrop)[] s_members =
    [
        (1, 1, 224, 224, 0.875f), (1, 1.1f, 224, 240, 0.882f), (1.1f, 1.2f, 256, 260, 0.890f), (1.2f, 1.4f, 288, 300, 0.904f),
        (1.4f, 1.8f, 320, 380, 0.922f),
    ];

    // At timm's sizes, and at TensorFlow's.
    private static readonly Costs[] s_costs =
    [
        new(4_007_548, 384_534_752, 1280), new(6_513_184, 568_371_680, 1280), new(7_700_994, 858_445_760, 1408),
        new(10_696_232, 1_587_662_096, 1536), new(17_548_616, 3_061_895_008, 1792),
    ];
    private static readonly Costs[] s_tensorFlowCosts =
    [
        new(4_007_548, 384_534_752, 1280), new(6_513_184, 685_522_832, 1280), new(7_700_994, 992_153_872, 1408),
        new(10_696_232, 1_825_605_392, 1536), new(17_548_616, 4_391_979_024, 1792),
    ];

    // torchvision's size, and the pixels to which it resizes the shorter side before it crops.
    private static readonly (int Size, float Resize)[] s_torchvision = [(224, 256), (240, 256), (288, 288), (300, 320), (380, 384)];

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_stem;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<ModuleList<Block>> blocks = [];
    private readonly Conv2d conv_head;
    private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006

    private EfficientNet(float width, float depth, Backbone.ConvolutionPadding padding, double epsilon)
        : base(nameof(EfficientNet), MobileNetV1.Scaled(1280, width))
    {
        var channels = MobileNetV1.Scaled(32, width);
        conv_stem = new Conv2d(3, channels, 3, stride: 2, padding: padding);
        bn1 = new BatchNorm2d(channels, epsilon);
        var stem = Pair(nameof(conv_stem), conv_stem, bn1, Activation.SiLU);
        AddStage("stem", [nameof(conv_stem), nameof(bn1)], Computation.Of(stem));

        foreach (var (kernel, expansion, baseChannels, repeats, firstStride) in s_groups)
        {
            var group = new ModuleList<Block>();
            var outChannels = MobileNetV1.Scaled(baseChannels, width);
            for (var r = 0; r < Repeats(repeats, depth); r++)
            {
                var squeezed = channels / 4; // of the block's input, not of its expansion
                var style = new MobileUnitStyle(padding, epsilon)
                {
                    Kernel = kernel,
                    Activation = Activation.SiLU,
                    Gate = wide => new SqueezeExcitation(wide, squeezed, Activation.SiLU, Activation.Sigmoid),
                };
                var stride = r == 0 ? firstStride : 1;
                group.Add(expansion == 1
                    ? new SeparableConv(channels, outChannels, stride, style, Activation.None, residual: true)
                    : new InvertedResidual(channels, channels * expansion, outChannels, stride, style));
                channels = outChannels;
            }
            AddBlocks($"blocks.{blocks.Count}", [.. group], last: false);
            blocks.Add(group);
        }

        conv_head = new Conv2d(channels, Features, 1);
        bn2 = new BatchNorm2d(Features, epsilon);
        var head = Pair(nameof(conv_head), conv_head, bn2, Activation.SiLU);
        AddStage(nameof(conv_head), [nameof(conv_head), nameof(bn2)], Computation.Of(head), Computation.Average);
        RegisterComponents();
    }

    /// <summary>B0 to B4 as timm trained them, then as the authors did.</summary>
    public static IReadOnlyList<Architecture> Architectures { get; } =
        [.. Enumerable.Range(0, s_members.Length).Select(Member), .. Enumerable.Range(0, s_members.Length).Select(TensorFlowMember)];

    /// <summary>The largest number in a member's name.</summary>
    public static int Largest => s_members.Length - 1;

    public static Architecture Member(int number)
    {
        var (_, _, size, _, _) = s_members[number];
        // timm evaluates B0 and B1 on a centre crop of 0.875 of each side, and the others on the whole picture.
        var preprocessing = new ImagePreprocessing
        {
            Size = size,
            Interpolation = Interpolation.Bicubic,
            CropFraction = number < 2 ? 0.875f : 1
        };
        var (theirSize, theirResize) = s_torchvision[number];
        var theirs = new ImagePreprocessing
        {
            Size = theirSize,
            Interpolation = Interpolation.Bicubic,
            CropFraction = theirSize / theirResize
        };
        return Of($"efficientnet_b{number}", number, new(preprocessing, Backbone.ConvolutionPadding.Symmetric, 1e-5)) with
        {
            OtherNames = [new NameMap("torchvision", TorchvisionNames(s_members[number].Depth).ToOurs), NamesInTransformers(number)],
            OtherRecipes = new Dictionary<string, WeightsRecipe>
            {
                ["torchvision"] = new(theirs, Backbone.ConvolutionPadding.Symmetric, 1e-5),
                [InTransformers.Naming] = TensorFlowRecipe(number),
            },
            Costs = s_costs[number],
        };
    }

    private static Architecture TensorFlowMember(int number) =>
        Of($"tf_efficientnet_b{number}", number, TensorFlowRecipe(number)) with
        {
            OtherNames = [NamesInTransformers(number)],
            OtherRecipes = new Dictionary<string, WeightsRecipe> { [InTransformers.Naming] = TensorFlowRecipe(number) },
            Costs = s_tensorFlowCosts[number],
        };

    private static WeightsRecipe TensorFlowRecipe(int number)
    {
        var (_, _, _, size, crop) = s_members[number];
        var preprocessing = new ImagePreprocessing { Size = size, Interpolation = Interpolation.Bicubic, CropFraction = crop };
        return new(preprocessing, Backbone.ConvolutionPadding.TensorFlowSame, 1e-3);
    }

    private static NameMap NamesInTransformers(int number) =>
        InTransformers.EfficientNet([.. s_groups.Select(group => Repeats(group.Repeats, s_members[number].Depth))]);

    private static Architecture Of(string name, int number, WeightsRecipe recipe)
    {
        var (width, depth, _, _, _) = s_members[number];
        return new(name, "classifier", recipe, own => new EfficientNet(width, depth, own.Padding, own.Epsilon))
        {
            PadsAsTensorFlow = true,
        };
    }

    private static int Repeats(int repeats, float depth) => (int)MathF.Ceiling(repeats * depth);

    private static ModuleNames TorchvisionNames(float depth)
    {
        var names = new ModuleNames();
        names.AddPair("features.0", "conv_stem", "bn1");
        for (var g = 0; g < s_groups.Length; g++)
        {
            for (var r = 0; r < Repeats(s_groups[g].Repeats, depth); r++)
                names.AddUnit($"features.{g + 1}.{r}.block", $"blocks.{g}.{r}", s_groups[g].Expansion != 1, squeezes: true);
        }
        names.AddPair($"features.{s_groups.Length + 1}", "conv_head", "bn2");
        names.Add("classifier.1", "classifier");
        return names;
    }
}
