using System.Collections.Concurrent;

namespace MlNetFineTune.Backbones;

/// <summary>A network we can build: its name, the name of its original classifier, the usual recipe, and how to make it.</summary>
internal sealed record BackboneFamily(string Name, string Classifier, WeightsRecipe DefaultRecipe, Func<WeightsRecipe, BackboneNetwork> Create)
{
    private static readonly ImagePreprocessing s_imageNet = new();

    public static BackboneFamily MobileNetV1(float width) => new(
        FormattableString.Invariant($"mobilenetv1_{(int)MathF.Round(width * 100):000}"), "classifier",
        new WeightsRecipe(new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, ConvolutionPadding.Symmetric, 1e-5),
        recipe => new MobileNetV1(width, recipe.Padding, recipe.Epsilon))
    { PadsAsTensorFlow = true };

    public static BackboneFamily MobileNetV2 { get; } = new(
        "mobilenetv2_100", "classifier",
        new WeightsRecipe(new ImagePreprocessing { Interpolation = Interpolation.Bicubic }, ConvolutionPadding.Symmetric, 1e-5),
        recipe => new MobileNetV2(recipe.Padding, recipe.Epsilon))
    { PadsAsTensorFlow = true };

    public static BackboneFamily ResNet18 { get; } = new(
        "resnet18", "fc", new WeightsRecipe(s_imageNet, ConvolutionPadding.Symmetric, 1e-5), recipe => ResNet.ResNet18(recipe.Epsilon));

    public static BackboneFamily Micro { get; } = new(
        "micro", "fc",
        new WeightsRecipe(new ImagePreprocessing { Size = 96, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half }, ConvolutionPadding.Symmetric, 1e-5),
        recipe => ResNet.Micro(recipe.Epsilon));

    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> s_stages = new(StringComparer.Ordinal);

    /// <summary>From input to output. Known only to the network itself, which is therefore made once.</summary>
    public IReadOnlyList<string> Stages => s_stages.GetOrAdd(Name, _ =>
    {
        using var network = Create(DefaultRecipe);
        return [.. network.Stages.Select(stage => stage.Name)];
    });

    /// <summary>No ResNet was published with TensorFlow's padding, and its pooling would need it too.</summary>
    public bool PadsAsTensorFlow { get; private init; }

    /// <exception cref="ArgumentException">The network cannot pad so.</exception>
    public ConvolutionPadding Checked(ConvolutionPadding padding) => padding == ConvolutionPadding.Symmetric || PadsAsTensorFlow
        ? padding
        : throw new ArgumentException($"{Name} pads symmetrically; its weights cannot ask for {padding}.");

    /// <summary>A family is its name; the factory is a consequence.</summary>
    public bool Equals(BackboneFamily? other) => other?.Name == Name;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    /// <summary>By the names that command lines and model files use; null where there is none.</summary>
    public static BackboneFamily? Find(string name)
    {
        const string v1 = "mobilenetv1_";
        if (name.StartsWith(v1, StringComparison.Ordinal) && int.TryParse(name.AsSpan(v1.Length), System.Globalization.NumberStyles.None, null, out var percent) && percent is >= 10 and <= 400)
            return MobileNetV1(percent / 100f);
        return name switch
        {
            "mobilenetv2_100" => MobileNetV2,
            "resnet18" => ResNet18,
            "micro" => Micro,
            _ => null,
        };
    }
}
