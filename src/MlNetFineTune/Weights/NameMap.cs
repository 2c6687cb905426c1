namespace MlNetFineTune.WeightFiles;

/// <summary>Translates another library's tensor names to a network's.</summary>
/// <param name="Naming">The library, for messages: <c>timm</c>, <c>torchvision</c>.</param>
/// <param name="ToOurs">From the file's name of a tensor to the network's; an unknown name stays as it is.</param>
internal sealed record NameMap(string Naming, Func<string, string> ToOurs)
{
    /// <summary>From the file's name of a tensor to the part of the network's tensor that it is,
    /// where the library splits one into several.</summary>
    public Func<string, TensorPart> PartOf { get; init; } = _ => TensorPart.Whole;

    /// <summary>The <c>model_type</c> of the <c>config.json</c> files that come with such names.</summary>
    public IReadOnlyList<string> ModelTypes { get; init; } = [];
}
