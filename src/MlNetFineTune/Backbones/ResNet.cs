using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>
/// Residual networks of basic blocks (He et al. 2015, https://arxiv.org/abs/1512.03385) with torchvision's names: ResNet-18, and the micro
/// network of the quick start, which is the same design with a smaller stem, one block a layer and few channels.
/// </summary>
internal sealed class ResNet : BackboneNetwork
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
#pragma warning restore IDE1006

    private ResNet(string name, double epsilon, int stemChannels, int stemKernel, bool stemPools, (int Channels, int Blocks, int Stride)[] layers)
        : base(name, layers[^1].Channels)
    {
        conv1 = new Conv2d(3, stemChannels, stemKernel, stride: 2);
        bn1 = new BatchNorm2d(stemChannels, epsilon);
        var stem = Pair(nameof(conv1), conv1, bn1, Activation.ReLU);
        AddStage("stem", [nameof(conv1), nameof(bn1)], pixels => stemPools ? MaxPoolAndDispose(stem.Forward(pixels)) : stem.Forward(pixels));

        var channels = stemChannels;
        for (var l = 0; l < layers.Length; l++)
        {
            var layer = new ModuleList<BasicBlock>();
            for (var b = 0; b < layers[l].Blocks; b++)
            {
                layer.Add(new BasicBlock(channels, layers[l].Channels, b == 0 ? layers[l].Stride : 1, epsilon));
                channels = layers[l].Channels;
            }
            register_module($"layer{l + 1}", layer);
            AddBlocks($"layer{l + 1}", [.. layer], last: l == layers.Length - 1);
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

    private static ResNet ResNet18(double epsilon) =>
        new(nameof(ResNet18), epsilon, stemChannels: 64, stemKernel: 7, stemPools: true, [(64, 2, 1), (128, 2, 2), (256, 2, 2), (512, 2, 2)]);

    private static ResNet Micro(double epsilon) =>
        new(nameof(Micro), epsilon, stemChannels: 16, stemKernel: 3, stemPools: false, [(32, 1, 2), (64, 1, 2), (128, 1, 2)]);

    private static Tensor MaxPoolAndDispose(Tensor maps)
    {
        using (maps)
            return nn.functional.max_pool2d(maps, 3, stride: 2, padding: 1);
    }
}
