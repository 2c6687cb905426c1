using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>The manifest of an extractor of picture features.</summary>
internal sealed record ImageFeatureManifest : FeatureManifest
{
    /// <summary>The input column, with the network's input size.</summary>
    public required ImageInputManifest Input { get; init; }

    public required BackboneManifest Encoder { get; init; }

    public required PoolingManifest Pooling { get; init; }

    [JsonIgnore]
    public override VersionInfo Version => FeatureArchive.ImagesVersion;

    [JsonIgnore]
    public override string PoolingCode => Pooling.Create().Code;

    [JsonIgnore]
    public override string Noun => "picture";

    public override InputManifest GetInput() => Input;

    public override FeatureManifest WithEntries(ModelLoadContext ctx) => this;

    public override FineTunedNetwork CreateEmpty(IHostEnvironment env, ModelLoadContext ctx)
    {
        if (Encoder.Table is not null)
            throw new ArgumentException("a table stands beside its pictures");
        var script = Encoder.ScriptSha256 is { } sha256 ? ModelArchive.LoadScript(ctx, sha256) : null;
        return ImageNetwork.CreateEmpty(Encoder.ToBackbone(script, env), features => new FeatureHead(features));
    }

    public override ModelInput CreateInput(FineTunedNetwork network) => ScaledImageInput.Create(
        new ImageColumn(Input.Column, Input.Folder, Input.RawPixels), Encoder.Preprocessing, Encoder.InputChannels,
        FeaturePlan.SizesOf(Pooling.Create(), ((ImageNetwork)network).Definition));

    public override FeatureFunction CreateFunction(FineTunedNetwork network) =>
        FeaturePlan.Of(Pooling.Create(), (ImageNetwork)network);
}
