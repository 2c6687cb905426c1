namespace MlNetFineTune.Networks;

/// <summary>
/// The residual networks for pictures of 32 pixels (He et al. 2015, section 4.2, https://arxiv.org/abs/1512.03385): 6n + 2 layers, 16, 32
/// and 64 channels, shortcuts without parameters (option A). Names as in the published files (<c>resnet20-12fca82f.th</c>): torchvision's,
/// but <c>linear</c> is the classifier.
/// </summary>
internal static class CifarResNet
{
    private static readonly Dictionary<int, Costs> s_costs = new()
    {
        [20] = new(269_072, 40_550_400, 64),
        [32] = new(463_504, 68_861_952, 64),
        [44] = new(657_936, 97_173_504, 64),
        [56] = new(852_368, 125_485_056, 64),
        [110] = new(1_727_312, 252_887_040, 64),
    };

    /// <summary>The published numbers of layers.</summary>
    public static IReadOnlyList<int> Depths { get; } = [20, 32, 44, 56, 110];

    public static IReadOnlyList<Architecture> Architectures { get; } = [.. Depths.Select(OfDepth)];

    public static Architecture OfDepth(int depth) => new(
        $"resnet{depth}", "linear",
        new WeightsRecipe(new ImagePreprocessing { Size = 32, CropFraction = 1 }, Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => Create(depth, recipe.Epsilon))
    {
        InitialWeights = Initialization.HeFanIn,
        Costs = s_costs[depth],
    };

    private static ResNet Create(int depth, double epsilon)
    {
        var blocks = (depth - 2) / 6;
        return new ResNet(
            $"ResNet{depth}", epsilon, new ResNetStem(Channels: 16, Kernel: 3, Stride: 1, Pools: false),
            [new(16, blocks, Stride: 1), new(32, blocks, Stride: 2), new(64, blocks, Stride: 2)],
            (inChannels, outChannels, stride) => new BasicBlock(inChannels, outChannels, stride, epsilon, ShortcutOption.ZeroPadding));
    }
}
