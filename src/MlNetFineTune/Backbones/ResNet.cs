using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>The convolution before the residual layers, and the 3x3 max pooling that may follow it.</summary>
internal sealed record ResNetStem(int Channels, int Kernel, int Stride, bool Pools);

/// <summary>Blocks of one width; the first has the stride.</summary>
internal readonly record struct ResNetLayer(int Channels, int Blocks, int Stride);

/// <summary>
/// Residual networks (He et al. 2015, https://arxiv.org/abs/1512.03385) with torchvision's names: ResNet-18, and the micro network of the quick
/// start, which is the same design with a smaller stem, one block a layer and few channels.
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
        AddStage("stem", [nameof(conv1), nameof(bn1)], pixels => stem.Pools ? MaxPoolAndDispose(first.Forward(pixels)) : first.Forward(pixels));

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

    public static BackboneFamily ResNet18Family { get; } = new(
        "resnet18", "fc", new WeightsRecipe(new ImagePreprocessing(), ConvolutionPadding.Symmetric, 1e-5), recipe => ResNet18(recipe.Epsilon));

    public static BackboneFamily MicroFamily { get; } = new(
        "micro", "fc",
        new WeightsRecipe(new ImagePreprocessing { Size = 96, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half }, ConvolutionPadding.Symmetric, 1e-5),
        recipe => Micro(recipe.Epsilon));

    public static IReadOnlyList<BackboneFamily> Families => [MicroFamily, ResNet18Family];

    private static ResNet ResNet18(double epsilon) => new(
        nameof(ResNet18), epsilon, new ResNetStem(64, Kernel: 7, Stride: 2, Pools: true),
        [new(64, 2, 1), new(128, 2, 2), new(256, 2, 2), new(512, 2, 2)], (from, to, stride) => new BasicBlock(from, to, stride, epsilon));

    private static ResNet Micro(double epsilon) => new(
        nameof(Micro), epsilon, new ResNetStem(16, Kernel: 3, Stride: 2, Pools: false),
        [new(32, 1, 2), new(64, 1, 2), new(128, 1, 2)], (from, to, stride) => new BasicBlock(from, to, stride, epsilon));

    private static Tensor MaxPoolAndDispose(Tensor maps)
    {
        using (maps)
            return nn.functional.max_pool2d(maps, 3, stride: 2, padding: 1);
    }
}
