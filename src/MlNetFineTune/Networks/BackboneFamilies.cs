namespace MlNetFineTune.Networks;

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

    private static readonly Dictionary<string, BackboneFamily> s_byName = All.Select(family => (family.Name, family))
        .Concat(All.Where(family => family.NameInTimm is not null).Select(family => (Name: family.NameInTimm!, family)))
        .ToDictionary(pair => pair.Name, pair => pair.family, StringComparer.Ordinal);

    /// <summary>By our or timm's name, as command lines and model files use; null where there is none.</summary>
    public static BackboneFamily? Find(string name) =>
        s_byName.GetValueOrDefault(name) ?? MobileNetV1.OfAnyWidth(name) ?? MobileNetV3.OfAnyWidth(name)
            ?? VisionTransformers.WithMean(name);
}
