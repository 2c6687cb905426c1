namespace MlNetFineTune.Networks;

/// <summary>
/// The residual networks for pictures of 32 pixels (He et al. 2015, section 4.2, https://arxiv.org/abs/1512.03385): 6n + 2 layers, 16, 32 and 64
/// channels, shortcuts without parameters (option A). Names as in the published files (<c>resnet20-12fca82f.th</c>): torchvision's, but <c>linear</c>
/// is the classifier.
/// </summary>
internal static class CifarResNet
{
    public static IReadOnlyList<int> Depths { get; } = [20, 32, 44, 56, 110];

    public static IReadOnlyList<BackboneFamily> Families { get; } = [.. Depths.Select(OfDepth)];

    public static BackboneFamily OfDepth(int depth) => new(
        $"resnet{depth}", "linear",
        new WeightsRecipe(new ImagePreprocessing { Size = 32, CropFraction = 1 }, Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => Create(depth, recipe.Epsilon))
    { InitialWeights = Initialization.HeFanIn };

    private static ResNet Create(int depth, double epsilon)
    {
        var blocks = (depth - 2) / 6;
        return new ResNet(
            $"ResNet{depth}", epsilon, new ResNetStem(Channels: 16, Kernel: 3, Stride: 1, Pools: false),
            [new(16, blocks, Stride: 1), new(32, blocks, Stride: 2), new(64, blocks, Stride: 2)],
            (inChannels, outChannels, stride) => new BasicBlock(inChannels, outChannels, stride, epsilon, ShortcutOption.ZeroPadding));
    }
}
