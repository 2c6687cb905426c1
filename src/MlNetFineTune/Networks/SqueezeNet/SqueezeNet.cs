using MlNetFineTune.MlNet;

namespace MlNetFineTune.Networks;

/// <summary>
/// SqueezeNet 1.1 (Iandola et al. 2016, https://arxiv.org/abs/1602.07360, and the authors' repository for 1.1) with torchvision's names
/// (<c>squeezenet1_1</c>). The original classifies each position with a 1x1 convolution and a ReLU, and averages last; here the
/// features are averaged and the new head is linear, as for every other network. There is no dropout before it.
/// </summary>
internal sealed class SqueezeNet : BackboneNetwork
{
    // (place in `features`, channels squeezed, channels of each of the two expansions), by stage; a stage begins with a pooling.
    private static readonly (int Place, int Squeezed, int Expanded)[][] s_stages =
        [[(3, 16, 64), (4, 16, 64)], [(6, 32, 128), (7, 32, 128)], [(9, 48, 192), (10, 48, 192), (11, 64, 256), (12, 64, 256)]];

    private SqueezeNet()
        : base(nameof(SqueezeNet), features: 512)
    {
        var features = new NamedModules("features");
        var stem = features.Add("0", new Conv2d(3, 64, 3, stride: 2, border: 0, bias: true));
        AddStage("stem", ["features.0"], new Computation(
            pixels => Activation.ReLU.ApplyInPlace(stem.forward(pixels)),
            (graph, pixels) => Activation.ReLU.Write(graph, stem.Write(graph, pixels))));

        var channels = 64;
        for (var s = 0; s < s_stages.Length; s++)
        {
            var blocks = new List<Block> { features.Add($"{s_stages[s][0].Place - 1}", new MaxPool(3, keepsRest: true)) };
            foreach (var (place, squeezed, expanded) in s_stages[s])
            {
                blocks.Add(features.Add($"{place}", new Fire(channels, squeezed, expanded)));
                channels = 2 * expanded;
            }
            AddBlocks($"stage{s + 1}", [.. s_stages[s].Select(fire => $"features.{fire.Place}")], blocks,
                pool: s == s_stages.Length - 1 ? Computation.Average : null);
        }
        register_module("features", features);
        RegisterComponents();
    }

    public static Architecture Architecture { get; } = new(
        "squeezenet1_1", "classifier", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
        _ => new SqueezeNet())
    {
        InitialWeights = Initialization.HeUniform,
        Costs = new(722_496, 262_623_936, 512),
    };
}
