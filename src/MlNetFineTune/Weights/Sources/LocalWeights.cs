namespace MlNetFineTune.WeightSources;

/// <summary>Weights that are on this machine.</summary>
/// <param name="Path">The file, or the index of its shards. A full path.</param>
/// <param name="Origin">Their origin, for messages: <c>timm/resnet18.a1_in1k@0123abc/model.safetensors</c>.</param>
internal sealed record LocalWeights(string Path, string Origin)
{
    /// <summary>What their publisher says about them; null where only the file itself says anything.</summary>
    public HubConfig? Config { get; init; }
}
