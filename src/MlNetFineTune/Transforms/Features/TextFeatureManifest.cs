using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>The manifest of an extractor of text features.</summary>
internal sealed record TextFeatureManifest : FeatureManifest
{
    /// <summary>The columns and the tokenizer, whose vocabulary is an entry of its own.</summary>
    public required TextInputManifest Input { get; init; }

    /// <summary>The encoder with its pooling.</summary>
    public required TextNetworkManifest Encoder { get; init; }

    /// <summary>Whether feature vectors have length 1.</summary>
    public required bool Normalizes { get; init; }

    [JsonIgnore]
    public override VersionInfo Version => FeatureArchive.TextsVersion;

    [JsonIgnore]
    public override string PoolingCode => $"{Encoder.Pooling}{(Normalizes ? ", normalized" : "")}";

    [JsonIgnore]
    public override string Noun => "text";

    public override InputManifest GetInput() => Input;

    public override FeatureManifest WithEntries(ModelLoadContext ctx) =>
        this with { Input = (TextInputManifest)ModelArchive.LoadVocabulary(ctx, Input) };

    public override FineTunedNetwork CreateEmpty(IHostEnvironment env, ModelLoadContext ctx) =>
        TextNetwork.CreateEmpty(Encoder.ToBackbone(), features => new FeatureHead(features));

    public override ModelInput CreateInput(FineTunedNetwork network)
    {
        var input = (TextInput)Input.Create();
        Encoder.RequireFits(input.Tokens);
        return input;
    }

    public override FeatureFunction CreateFunction(FineTunedNetwork network) => new TextFeatureFunction((TextNetwork)network, Normalizes);
}
