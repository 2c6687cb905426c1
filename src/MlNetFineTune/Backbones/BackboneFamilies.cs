namespace MlNetFineTune.Backbones;

/// <summary>Every network there is. Each architecture's file lists its own.</summary>
internal static class BackboneFamilies
{
    /// <summary>In the order in which people are shown them.</summary>
    public static IReadOnlyList<BackboneFamily> All { get; } =
    [
        .. ResNet.Families, .. CifarResNet.Families, .. RegNet.Families, DenseNet.DenseNet121, Vgg.Vgg16,
        .. MobileNetV1.Families, MobileNetV2.Family, .. MobileNetV3.Families, SqueezeNet.Family,
        .. EfficientNet.Families, .. ConvNeXt.Families, .. VisionTransformers.Families,
    ];

    private static readonly Dictionary<string, BackboneFamily> s_byName = All.ToDictionary(family => family.Name, StringComparer.Ordinal);

    /// <summary>By the names that command lines and model files use; null where there is none.</summary>
    public static BackboneFamily? Find(string name) =>
        s_byName.GetValueOrDefault(name) ?? MobileNetV1.OfAnyWidth(name) ?? MobileNetV3.OfAnyWidth(name) ?? VisionTransformers.WithMean(name);
}
