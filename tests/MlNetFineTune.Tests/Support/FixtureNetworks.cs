using MlNetFineTune.Networks;

namespace MlNetFineTune.Tests.Support;

/// <summary>The networks of network-*.json: of each family the smallest member that runs all of its code.</summary>
internal static class FixtureNetworks
{
    private static readonly Dictionary<string, Func<float, Backbone>> s_byName = new(StringComparer.Ordinal)
    {
        ["mobilenetv1"] = Backbone.MobileNetV1,
        ["mobilenetv2"] = _ => Backbone.MobileNetV2,
        ["resnet18"] = _ => Backbone.ResNet18,
        ["micro"] = _ => Backbone.Micro,
        ["resnet20"] = _ => Backbone.CifarResNet(20),
        ["bottleneck"] = _ => new(ResNet.Bottlenecks("bottleneck", [2, 1, 1, 1])),
        ["resnext"] = _ => new(ResNet.Bottlenecks("resnext", [1, 1, 1, 1], groups: 32, groupWidth: 4)),
        ["wideresnet"] = _ => new(ResNet.Bottlenecks("wideresnet", [1, 1], groupWidth: 128)),
        ["densenet"] = _ => new(DenseNet.Of("densenet", growth: 8, [2, 3, 2, 2], stemChannels: 16)),
        ["vgg"] = _ => new(Vgg.Of("vgg", [(8, 2), (16, 2), (16, 3), (24, 1), (32, 1)], hidden: 48)),
        ["regnety"] = _ => Backbone.RegNetY(400),
        ["squeezenet"] = _ => Backbone.SqueezeNet,
        ["mobilenetv3_small"] = Backbone.MobileNetV3Small,
        ["mobilenetv3_large"] = Backbone.MobileNetV3Large,
        ["efficientnet"] = _ => Backbone.EfficientNet(0),

        // Narrow and shallow ones of our own: the published have tens of millions of parameters and the same code.
        ["convnext"] = _ => Small("convnext", "head.fc", 64, recipe => new ConvNeXt([1, 2, 1, 1], [16, 24, 32, 48], recipe.Epsilon)),
        ["vit"] = _ => Small("vit", "head", 64, recipe =>
            new VisionTransformer(
                new TransformerShape(Patch: 16, Channels: 48, Heads: 3, Blocks: 3), recipe.Preprocessing.Size,
                Backbone.TokenPooling.ClassToken, recipe.Epsilon)),
        ["dinov2"] = _ => Small("dinov2", "head", 42, recipe =>
            new VisionTransformer(
                new TransformerShape(Patch: 14, Channels: 32, Heads: 2, Blocks: 2, ScalesBranches: true), recipe.Preprocessing.Size,
                Backbone.TokenPooling.Mean, recipe.Epsilon)),
    };

    public static IReadOnlyCollection<string> Names => s_byName.Keys;

    public static Backbone Find(string name, float width) => s_byName[name](width);

    private static Backbone Small(string name, string classifier, int size, Func<WeightsRecipe, BackboneNetwork> create) =>
        new(new Architecture(
            name, classifier, new WeightsRecipe(new ImagePreprocessing { Size = size }, Backbone.ConvolutionPadding.Symmetric, 1e-6),
            create)
        { InitialWeights = Initialization.Transformer });
}
