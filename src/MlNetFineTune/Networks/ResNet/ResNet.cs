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
/// Residual networks (He et al. 2015, https://arxiv.org/abs/1512.03385) with torchvision's names, which are timm's too: ResNet, ResNeXt, Wide ResNet,
/// and the micro network of the quick start, which is the same design with a smaller stem, one block a layer and few channels.
/// </summary>
internal sealed class ResNet : BackboneNetwork
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
#pragma warning restore IDE1006

    /// <param name="name">For messages.</param>
    /// <param name="epsilon">BatchNorm's.</param>
    /// <param name="stem">What comes first.</param>
    /// <param name="layers">From input to output.</param>
    /// <param name="block">Makes a block from the channels that enter and leave it, and its stride.</param>
    public ResNet(string name, double epsilon, ResNetStem stem, IReadOnlyList<ResNetLayer> layers, Func<int, int, int, Block> block)
        : base(name, layers[^1].Channels)
    {
        conv1 = new Conv2d(3, stem.Channels, stem.Kernel, stem.Stride);
        bn1 = new BatchNorm2d(stem.Channels, epsilon);
        var first = Pair(nameof(conv1), conv1, bn1, Activation.ReLU);
        AddStage("stem", [nameof(conv1), nameof(bn1)], stem.Pools ? Computation.Of(first).Then(Computation.Of([new MaxPool(3, border: 1)])) : Computation.Of(first));

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

    /// <summary>A ResNet for ImageNet's pictures of 224 pixels (table 1 of the paper) with other blocks or numbers of them.</summary>
    internal static BackboneFamily OfBlocks(string name, int[] blocks, int expansion, int convolutions, Func<int, int, int, double, Block> block) => new(
        name, "fc", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new ResNet(
            name, recipe.Epsilon, new ResNetStem(64, Kernel: 7, Stride: 2, Pools: true),
            [.. blocks.Select((count, l) => new ResNetLayer((64 << l) * expansion, count, Stride: l == 0 ? 1 : 2))],
            (from, to, stride) => block(from, to, stride, recipe.Epsilon)))
    { OtherNames = [InTransformers.ResNet(blocks, convolutions)] };

    /// <summary>Of two 3x3 convolutions a block.</summary>
    internal static BackboneFamily Basic(string name, int[] blocks) =>
        OfBlocks(name, blocks, expansion: 1, convolutions: 2, (from, to, stride, epsilon) => new BasicBlock(from, to, stride, epsilon));

    /// <summary>Of bottleneck blocks; in groups it is a ResNeXt (Xie et al. 2016), with one wide group a Wide ResNet (Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146).</summary>
    internal static BackboneFamily Bottlenecks(string name, int[] blocks, int groups = 1, int groupWidth = 64) =>
        OfBlocks(name, blocks, Bottleneck.Expansion, convolutions: 3, (from, to, stride, epsilon) => new Bottleneck(from, to, stride, groups, groupWidth, epsilon));

    public static BackboneFamily ResNet18 { get; } = Basic("resnet18", [2, 2, 2, 2]);

    public static BackboneFamily ResNet34 { get; } = Basic("resnet34", [3, 4, 6, 3]);

    public static BackboneFamily ResNet50 { get; } = Bottlenecks("resnet50", [3, 4, 6, 3]);

    public static BackboneFamily ResNet101 { get; } = Bottlenecks("resnet101", [3, 4, 23, 3]);

    public static BackboneFamily ResNet152 { get; } = Bottlenecks("resnet152", [3, 8, 36, 3]);

    public static BackboneFamily ResNeXt50 { get; } = Bottlenecks("resnext50_32x4d", [3, 4, 6, 3], groups: 32, groupWidth: 4);

    public static BackboneFamily ResNeXt101 { get; } = Bottlenecks("resnext101_32x8d", [3, 4, 23, 3], groups: 32, groupWidth: 8);

    public static BackboneFamily WideResNet50 { get; } = Bottlenecks("wide_resnet50_2", [3, 4, 6, 3], groupWidth: 128);

    public static BackboneFamily Micro { get; } = new(
        "micro", "fc",
        new WeightsRecipe(
            new ImagePreprocessing { Size = 96, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half },
            Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new ResNet(
            "Micro", recipe.Epsilon, new ResNetStem(16, Kernel: 3, Stride: 2, Pools: false),
            [new(32, 1, 2), new(64, 1, 2), new(128, 1, 2)], (from, to, stride) => new BasicBlock(from, to, stride, recipe.Epsilon)));

    public static IReadOnlyList<BackboneFamily> Families => [Micro, ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNeXt50, ResNeXt101, WideResNet50];
}
