using System.Text.RegularExpressions;
using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Densely connected networks (Huang et al. 2016, https://arxiv.org/abs/1608.06993) with torchvision's names, which are timm's too: every
/// layer sees the outputs of all layers before it in its block. BatchNorm comes before the convolution, so only those inside a layer can be
/// folded. A stage begins with the transition that halves the picture.
/// </summary>
internal sealed partial class DenseNet : BackboneNetwork
{
    /// <param name="name">Name of the network, for messages.</param>
    /// <param name="growth">Channels that each layer adds.</param>
    /// <param name="layers">Number of layers of each block.</param>
    /// <param name="stemChannels">Channels that enter the first block.</param>
    /// <param name="epsilon">Epsilon of BatchNorm.</param>
    private DenseNet(string name, int growth, int[] layers, int stemChannels, double epsilon)
        : base(name, layers.Aggregate(stemChannels * 2, (channels, count) => channels / 2 + growth * count))
    {
        var features = new NamedModules("features");
        var pool = features.Add("pool0", new MaxPool(3, border: 1));
        var stem = Pair("features.conv0", features.Add("conv0", new Conv2d(3, stemChannels, 7, stride: 2)),
            features.Add("norm0", new BatchNorm2d(stemChannels, epsilon)), Activation.ReLU);
        AddStage("stem", ["features.conv0", "features.norm0"], Computation.Of(stem).Then(Computation.Of([pool])));

        var channels = stemChannels;
        for (var b = 1; b <= layers.Length; b++)
        {
            var blocks = new List<Block>();
            var modules = new List<string> { $"features.denseblock{b}" };
            if (b > 1)
            {
                blocks.Add(features.Add($"transition{b - 1}", new DenseTransition(channels, channels / 2, epsilon)));
                modules.Add($"features.transition{b - 1}");
                channels /= 2;
            }
            var block = features.Add($"denseblock{b}", new NamedModules("denseblock"));
            for (var l = 1; l <= layers[b - 1]; l++)
            {
                blocks.Add(block.Add($"denselayer{l}", new DenseLayer(channels, growth, epsilon)));
                channels += growth;
            }
            if (b < layers.Length)
            {
                AddBlocks($"denseblock{b}", modules, blocks);
                continue;
            }
            var norm = features.Add("norm5", new BatchNorm2d(channels, epsilon));
            modules.Add("features.norm5");
            AddBlocks($"denseblock{b}", modules, blocks, new Computation(
                maps => Activation.ReLU.ApplyInPlace(norm.forward(maps)),
                (graph, maps) => Activation.ReLU.Write(graph, norm.Write(graph, maps))), Computation.Average);
        }
        register_module("features", features);
        RegisterComponents();
    }

    public static Architecture DenseNet121 { get; } = Of("densenet121", growth: 32, [6, 12, 24, 16], stemChannels: 64) with
    {
        Costs = new(6_953_856, 2_833_137_664, 1024),
    };

    internal static Architecture Of(string name, int growth, int[] layers, int stemChannels) => new(
        name, "classifier", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new DenseNet(name, growth, layers, stemChannels, recipe.Epsilon))
    {
        InitialWeights = Initialization.HeFanIn,
        OtherNames = [new NameMap("torchvision's published file", old => DottedNumber().Replace(old, "$1$2"))],
    };

    // features.denseblock1.denselayer1.norm.1.weight -> ...norm1.weight
    [GeneratedRegex(@"(?<=\.denselayer\d+\.)(norm|conv)\.([12])(?=\.)")]
    private static partial Regex DottedNumber();
}
