using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// VGG with BatchNorm (Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556) with torchvision's names (<c>vgg16_bn</c>). The two
/// hidden layers of its classifier belong to the backbone, as in timm: they hold nine tenths of the pretrained parameters, and only the
/// last layer is specific to ImageNet's classes. The original has dropout of 0.5 between them; here there is none, as in timm by default.
/// A stage begins with the pooling that halves the picture.
/// </summary>
internal sealed class Vgg : BackboneNetwork
{
    // The hidden layers take the 7 x 7 positions of 224 pixels; other sizes are averaged (or repeated) to as many.
    private const int Places = 7;

    private Vgg(string name, (int Channels, int Layers)[] stages, int hidden, double epsilon)
        : base(name, hidden)
    {
        var features = new NamedModules("features");
        var (place, channels) = (0, 3);
        ChannelGroup? entering = null; // the last, which a hidden layer reads place by place, stay
        for (var s = 0; s < stages.Length; s++)
        {
            var pool = s > 0 ? features.Add($"{place++}", new MaxPool(2)) : null;
            var modules = new List<string>();
            var steps = new List<ConvNorm>();
            for (var l = 0; l < stages[s].Layers; l++)
            {
                modules.AddRange([$"features.{place}", $"features.{place + 1}"]);
                var conv = features.Add($"{place}", new Conv2d(channels, stages[s].Channels, 3, bias: true));
                var norm = features.Add($"{place + 1}", new BatchNorm2d(stages[s].Channels, epsilon));
                if (entering is not null)
                    AddChannels(entering.Into(conv));
                steps.Add(Pair(modules[^2], conv, norm, Activation.ReLU));
                entering = ChannelGroup.Of(steps[^1]);
                channels = stages[s].Channels;
                place += 3; // convolution, BatchNorm, ReLU
            }
            var convolutions = new Computation(
                maps => Block.Chain(maps, [.. steps]), (graph, maps) => Block.WriteChain(graph, maps, [.. steps]));
            AddStage($"stage{s + 1}", modules, pool is null ? convolutions : Computation.Of([pool]).Then(convolutions));
        }
        var lastPool = features.Add($"{place}", new MaxPool(2));
        var classifier = new NamedModules("classifier");
        var first = classifier.Add("0", new Linear(channels * Places * Places, hidden));
        var second = classifier.Add("3", new Linear(hidden, hidden));
        AddStage(
            "hidden", ["classifier.0", "classifier.3"], Computation.Of([lastPool]).Then(new Computation(Hidden, WriteHidden)),
            givesMaps: false);
        register_module("features", features);
        register_module("classifier", classifier);
        RegisterComponents();

        // [N, C, H, W] -> [N, hidden]
        Tensor Hidden(Tensor maps)
        {
            using var places = nn.functional.adaptive_avg_pool2d(maps, [Places, Places]);
            using var flat = places.flatten(1); // [N, C * 7 * 7], channel by channel
            using var values = Activation.ReLU.ApplyInPlace(first.forward(flat));
            return Activation.ReLU.ApplyInPlace(second.forward(values));
        }

        GraphValue WriteHidden(NetworkGraph graph, GraphValue maps)
        {
            var side = graph.Size >> stages.Length; // halved behind every stage
            var values = side == Places ? maps : WritePooled(graph, maps, side);
            values = Activation.ReLU.Write(graph, first.Write(graph, graph.Add("Flatten", [values], ("axis", 1L))));
            return Activation.ReLU.Write(graph, second.Write(graph, values));
        }
    }

    /// <summary>Adaptive averages are linear in rows and in columns: [7, side] times each map times [side, 7].</summary>
    private static GraphValue WritePooled(NetworkGraph graph, GraphValue maps, int side)
    {
        using var scope = NewDisposeScope();
        var averages = nn.functional.adaptive_avg_pool1d(eye(side, dtype: ScalarType.Float32).unsqueeze(0), Places)[0].t(); // [7, side]
        return graph.Add(
            "MatMul", [graph.Add("MatMul", [graph.Constant("rows", averages), maps]), graph.Constant("columns", averages.t())]);
    }

    public static Architecture Vgg16 { get; } = Of("vgg16_bn", [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], hidden: 4096) with
    {
        Costs = new(134_268_992, 15_466_168_320, 4096),
    };

    internal static Architecture Of(string name, (int Channels, int Layers)[] stages, int hidden) => new(
        name, "classifier.6", new WeightsRecipe(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5),
        recipe => new Vgg(name, stages, hidden, recipe.Epsilon))
    { InitialWeights = InitialWeights };

    private static Distribution? InitialWeights(string name, long[] shape) =>
        shape.Length == 2 ? new Distribution.Normal(0.01) : Initialization.HeFanOut(name, shape);
}
