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

    /// <summary>Whether a backbone has this form, whatever its weights, its pooling and its dropout.</summary>
    public bool Fits(TextBackbone backbone) => Config ==
        backbone.Config with { Dropout = Config.Dropout, AttentionDropout = Config.AttentionDropout };

    /// <summary>Checks that the rows of an input fit the embeddings, which libtorch would only find in a forward pass.</summary>
    /// <param name="input">The rows; null if the input has no texts.</param>
    /// <exception cref="ArgumentException">They do not fit.</exception>
    public void RequireFits(TokenForm? input)
    {
        if (input is null)
            throw new ArgumentException("its network reads texts, and its input has none");
        if (input.Vocabulary > Config.Vocabulary || input.MaximumLength > Config.MaximumLength
            || input.HasSegments is { } segments && segments != Config.Segments > 1)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"its texts of up to {input.MaximumLength} tokens of {input.Vocabulary} do not fit a network ")
                + FormattableString.Invariant($"for {Config.MaximumLength} tokens of {Config.Vocabulary} and {Config.Segments} segments"));
        }
    }

    public override FineTunedNetwork CreateEmpty(NetworkForm form) => TextNetwork.CreateEmpty(ToBackbone(), form.CreateHead);

    /// <exception cref="ArgumentException">There is no such network.</exception>
    public TextBackbone ToBackbone() => Enum.IsDefined(Pooling)
        ? TextBackbone.Of(Name, Config.Checked(), Pooling)
        : throw new ArgumentException($"there is no pooling {Pooling}");
}
