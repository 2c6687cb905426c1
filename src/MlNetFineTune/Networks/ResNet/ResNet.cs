using MlNetFineTune.MlNet;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The convolution before the residual layers, and the 3x3 max pooling that may follow it.</summary>
internal sealed record ResNetStem(int Channels, int Kernel, int Stride, bool Pools);

/// <summary>Blocks of one width; the first has the stride.</summary>
internal readonly record struct ResNetLayer(int Channels, int Blocks, int Stride);

/// <summary>
/// Residual networks (He et al. 2015, https://arxiv.org/abs/1512.03385) with torchvision's names, which are timm's too: ResNet, ResNeXt,
/// Wide ResNet, and the micro network of the quick start, which is the same design with a smaller stem, one block a layer and few channels.
/// </summary>
internal sealed class ResNet : BackboneNetwork
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
#pragma warning restore IDE1006

    /// <param name="name">Name of the network, for messages.</param>
    /// <param name="epsilon">Epsilon of BatchNorm.</param>
    /// <param name="stem">The layers before the first stage.</param>
    /// <param name="layers">The stages, from input to output.</param>
    /// <param name="block">Creates a block from its input channels, output channels and stride.</param>
    public ResNet(string name, double epsilon, ResNetStem stem, IReadOnlyList<ResNetLayer> layers, Func<int, int, int, Block> block)
        : base(name, layers[^1].Channels)
    {
        conv1 = new Conv2d(3, stem.Channels, stem.Kernel, stem.Stride);
        bn1 = new BatchNorm2d(stem.Channels, epsilon);
        var first = Pair(nameof(conv1), conv1, bn1, Activation.ReLU);
        var unpooled = Computation.Of(first);
        AddStage("stem", [nameof(conv1), nameof(bn1)],
            stem.Pools ? unpooled.Then(Computation.Of([new MaxPool(3, border: 1)])) : unpooled);

        var channels = stem.Channels;
        for (var l = 0; l < layers.Count; l++)
        {
            var layer = new ModuleList<Block>();
            for (var b = 0; b < layers[l].Blocks; b++)
            {
                layer.Add(block(channels, layers[l].Channels, b == 0 ? layers[l].Stride : 1));
                channels = layers[l].Channels;
            }
            register_module($"layer{l + 1}", layer);
            AddBlocks($"layer{l + 1}", [.. layer], last: l == layers.Count - 1);
        }
        RegisterComponents();
    }

    /// <summary>A ResNet for pictures of 224 pixels (table 1 of the paper) with the given blocks.</summary>
    internal static Architecture OfBlocks(
        string name, int[] blocks, int expansion, int convolutions, Func<int, int, int, double, Block> block) => new(
        name, "fc", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new ResNet(
            name, recipe.Epsilon, new ResNetStem(64, Kernel: 7, Stride: 2, Pools: true),
            [.. blocks.Select((count, l) => new ResNetLayer((64 << l) * expansion, count, Stride: l == 0 ? 1 : 2))],
            (from, to, stride) => block(from, to, stride, recipe.Epsilon)))
        { OtherNames = [InTransformers.ResNet(blocks, convolutions)] };

    /// <summary>A ResNet whose blocks have two 3x3 convolutions.</summary>
    internal static Architecture Basic(string name, int[] blocks) =>
        OfBlocks(name, blocks, expansion: 1, convolutions: 2, (from, to, stride, epsilon) => new BasicBlock(from, to, stride, epsilon));

    /// <summary>A ResNet of bottleneck blocks: a ResNeXt with several groups (Xie et al.
    /// 2016), a Wide ResNet with one wide group (Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146).</summary>
    internal static Architecture Bottlenecks(string name, int[] blocks, int groups = 1, int groupWidth = 64) =>
        OfBlocks(name, blocks, Bottleneck.Expansion, convolutions: 3,
            (from, to, stride, epsilon) => new Bottleneck(from, to, stride, groups, groupWidth, epsilon));

    public static Architecture ResNet18 { get; } = Basic("resnet18", [2, 2, 2, 2]) with { Costs = new(11_176_512, 1_813_561_344, 512) };

    public static Architecture ResNet34 { get; } = Basic("resnet34", [3, 4, 6, 3]) with { Costs = new(21_284_672, 3_663_249_408, 512) };

    public static Architecture ResNet50 { get; } =
        Bottlenecks("resnet50", [3, 4, 6, 3]) with { Costs = new(23_508_032, 4_087_136_256, 2048) };

    public static Architecture ResNet101 { get; } =
        Bottlenecks("resnet101", [3, 4, 23, 3]) with { Costs = new(42_500_160, 7_799_357_440, 2048) };

    public static Architecture ResNet152 { get; } =
        Bottlenecks("resnet152", [3, 8, 36, 3]) with { Costs = new(58_143_808, 11_511_578_624, 2048) };

    public static Architecture ResNeXt50 { get; } =
        Bottlenecks("resnext50_32x4d", [3, 4, 6, 3], groups: 32, groupWidth: 4) with { Costs = new(22_979_904, 4_228_431_872, 2048) };

    public static Architecture ResNeXt101 { get; } =
        Bottlenecks("resnext101_32x8d", [3, 4, 23, 3], groups: 32, groupWidth: 8) with { Costs = new(86_742_336, 16_411_967_488, 2048) };

    public static Architecture WideResNet50 { get; } =
        Bottlenecks("wide_resnet50_2", [3, 4, 6, 3], groupWidth: 128) with { Costs = new(66_834_240, 11_395_973_120, 2048) };

    public static Architecture Micro { get; } = new(
        "micro", "fc",
        new WeightsRecipe(
            new ImagePreprocessing { Size = 96, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half },
            Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new ResNet(
            "Micro", recipe.Epsilon, new ResNetStem(16, Kernel: 3, Stride: 2, Pools: false),
            [new(32, 1, 2), new(64, 1, 2), new(128, 1, 2)], (from, to, stride) => new BasicBlock(from, to, stride, recipe.Epsilon)))
    {
        Costs = new(302_864, 25_767_936, 128),
    };

    public static IReadOnlyList<Architecture> Architectures =>
        [Micro, ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNeXt50, ResNeXt101, WideResNet50];
}
