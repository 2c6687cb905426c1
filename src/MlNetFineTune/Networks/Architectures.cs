namespace MlNetFineTune.Networks;

/// <summary>All architectures. Each is declared in its own file.</summary>
internal static class Architectures
{
    /// <summary>All listed architectures, in the order of messages.</summary>
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

    /// <summary>Finds an architecture by its own or timm's name, as used in command lines and model files;
    /// null where there is none.</summary>
    public static Architecture? Find(string name) =>
        s_byName.GetValueOrDefault(name) ?? MobileNetV1.OfAnyWidth(name) ?? MobileNetV3.OfAnyWidth(name)
            ?? VisionTransformers.WithMean(name);
}
