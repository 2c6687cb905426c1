using MlNetFineTune.WeightFiles;







namespace MlNetFineTune.Networks;

/// <summary>Another library's names for the tensors of a network.</summary>
/// <param name="Naming">Whose names they are, for messages: <c>timm</c>, <c>torchvision</c>.</param>
/// <param name="ToOurs">The network's own name for a tensor of the file; a name it does not know stays as it is.</param>
internal sealed record NameMap(string Naming, Func<string, string> ToOurs)
{
    /// <summary>What weights in this naming presuppose where the file does not say it; null where that is the family's own recipe.</summary>
    public WeightsRecipe? Recipe { get; init; }

    /// <summary>By the file's name of a tensor: which part of the network's it is, where the library has several for one.</summary>
    public Func<string, TensorPart> PartOf { get; init; } = _ => TensorPart.Whole;

    /// <summary>The <c>model_type</c> of the <c>config.json</c> files that come with such names.</summary>
    public IReadOnlyList<string> ModelTypes { get; init; } = [];
}
