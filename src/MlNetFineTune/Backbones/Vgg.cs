using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>
/// VGG with BatchNorm (Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556) with torchvision's names (<c>vgg16_bn</c>). The two hidden layers
/// of its classifier belong to the backbone, as in timm: they hold nine tenths of the pretrained parameters, and only the last layer is specific to
/// ImageNet's classes. The original drops half of their values in training; here, as in timm by default, none.
/// A stage begins with the pooling that halves the picture.
/// </summary>
internal sealed class Vgg : BackboneNetwork
{
    // The hidden layers were made for the 7 x 7 places that 224 pixels leave; other sizes are averaged (or repeated) to as many.
    private const int Places = 7;

    private Vgg(string name, (int Channels, int Layers)[] stages, int hidden, double epsilon)
        : base(name, hidden)
    {
        var features = new NamedModules("features");
        var (place, channels) = (0, 3);
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
                steps.Add(Pair(modules[^2], conv, norm, Activation.ReLU));
                channels = stages[s].Channels;
                place += 3; // convolution, BatchNorm, ReLU
            }
            AddStage($"stage{s + 1}", modules, maps =>
            {
                using var halved = pool?.forward(maps);
                return Block.Chain(halved ?? maps, [.. steps]);
            });
        }
        var lastPool = features.Add($"{place}", new MaxPool(2));
        var classifier = new NamedModules("classifier");
        var first = classifier.Add("0", new Linear(channels * Places * Places, hidden));
        var second = classifier.Add("3", new Linear(hidden, hidden));
        AddStage("hidden", ["classifier.0", "classifier.3"], maps =>
        {
            using var halved = lastPool.forward(maps);
            using var places = nn.functional.adaptive_avg_pool2d(halved, [Places, Places]);
            using var flat = places.flatten(1); // [N, C * 7 * 7], channel by channel
            using var values = Activation.ReLU.ApplyInPlace(first.forward(flat));
            return Activation.ReLU.ApplyInPlace(second.forward(values)); // [N, hidden]
        });
        register_module("features", features);
        register_module("classifier", classifier);
        RegisterComponents();
    }

    public static BackboneFamily Vgg16 { get; } = Of("vgg16_bn", [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], hidden: 4096);

    internal static BackboneFamily Of(string name, (int Channels, int Layers)[] stages, int hidden) => new(
        name, "classifier.6", new WeightsRecipe(new ImagePreprocessing(), ConvolutionPadding.Symmetric, 1e-5),
        recipe => new Vgg(name, stages, hidden, recipe.Epsilon))
    { InitialWeights = InitialWeights };

    private static Distribution? InitialWeights(string name, long[] shape) =>
        shape.Length == 2 ? new Distribution.Normal(0.01) : Initialization.HeFanOut(name, shape);
}
