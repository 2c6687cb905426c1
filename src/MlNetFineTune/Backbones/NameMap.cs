namespace MlNetFineTune.Backbones;

/// <summary>Another library's names for the tensors of a network.</summary>
/// <param name="Naming">Whose names they are, for messages: <c>timm</c>, <c>torchvision</c>.</param>
/// <param name="ToOurs">The network's own name for a tensor of the file; a name it does not know stays as it is.</param>
internal sealed record NameMap(string Naming, Func<string, string> ToOurs)
{
    /// <summary>What weights in this naming presuppose where the file does not say it; null where that is the family's own recipe.</summary>
    public WeightsRecipe? Recipe { get; init; }
}
