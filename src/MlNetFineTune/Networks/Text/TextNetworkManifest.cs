using System.Text.Json.Serialization;

namespace MlNetFineTune.Networks;

/// <summary>A text network without its numbers, as a model file describes it.</summary>
/// <param name="Name">Name of the network.</param>
/// <param name="Config">Form of the encoder.</param>
/// <param name="Pooling">Its pooling.</param>
/// <param name="SourceWeights">Where the weights came from; null for random ones.</param>
internal sealed record TextNetworkManifest(
    string Name, TextConfig Config, TextBackbone.TokenPooling Pooling, string? SourceWeights) : NetworkManifest
{
    [JsonIgnore]
    public override string? WeightsOrigin => SourceWeights;

    public static TextNetworkManifest Of(TextBackbone backbone) =>
        new(backbone.Name, backbone.Config, backbone.Pooling, backbone.Weights.Origin);

    /// <summary>Whether a backbone has this form, whatever its weights and its pooling.</summary>
    public bool Fits(TextBackbone backbone) => backbone.Config == Config;

    public override FineTunedNetwork CreateEmpty(NetworkForm form) => TextNetwork.CreateEmpty(ToBackbone(), form.CreateHead);

    /// <exception cref="ArgumentException">There is no such network.</exception>
    public TextBackbone ToBackbone() => Enum.IsDefined(Pooling)
        ? TextBackbone.Of(Name, Config.Checked(), Pooling)
        : throw new ArgumentException($"there is no pooling {Pooling}");
}
