namespace MlNetFineTune.Networks;

/// <summary>Every network there is. Each architecture's file lists its own.</summary>
internal static class Architectures
{
    /// <summary>In the order in which people are shown them.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        .. ResNet.Architectures, .. CifarResNet.Architectures, .. RegNet.Architectures, DenseNet.DenseNet121, Vgg.Vgg16,
        .. MobileNetV1.Architectures, MobileNetV2.Architecture, .. MobileNetV3.Architectures, SqueezeNet.Architecture,
        .. EfficientNet.Architectures, .. ConvNeXt.Architectures, .. VisionTransformers.Architectures,
    ];

    private static readonly Dictionary<string, Architecture> s_byName = All.Select(architecture => (architecture.Name, architecture))
        .Concat(All.Where(architecture => architecture.NameInTimm is not null)
            .Select(architecture => (Name: architecture.NameInTimm!, architecture)))
        .ToDictionary(pair => pair.Name, pair => pair.architecture, StringComparer.Ordinal);

    /// <summary>By our or timm's name, as command lines and model files use; null where there is none.</summary>
    public static Architecture? Find(string name) =>
        s_byName.GetValueOrDefault(name) ?? MobileNetV1.OfAnyWidth(name) ?? MobileNetV3.OfAnyWidth(name)
            ?? VisionTransformers.WithMean(name);
}
