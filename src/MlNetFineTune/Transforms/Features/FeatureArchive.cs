using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring;
using MlNetFineTune.Transforms;
using TorchSharp;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: no registration is required.
[assembly: LoadableClass(
    typeof(FeaturesTransformer), typeof(ImageFeaturesLoader), null, typeof(SignatureLoadModel), "Features of a frozen network",
    FeatureArchive.ImagesLoaderSignature)]
[assembly: LoadableClass(
    typeof(FeaturesTransformer), typeof(TextFeaturesLoader), null, typeof(SignatureLoadModel), "Text features of a frozen network",
    FeatureArchive.TextsLoaderSignature)]

namespace MlNetFineTune.Transforms;

/// <summary>
/// A feature extractor in ML.NET's zip: <c>weights.safetensors</c>, <c>manifest.json</c> (<see cref="FeatureManifest"/>) and its hash,
/// <c>network.pt</c> if the network is a TorchScript program, and <c>vocabulary.txt</c> for texts. Extractors for pictures and for texts
/// have different loader signatures.
/// </summary>
internal static class FeatureArchive
{
    public const string ImagesLoaderSignature = "MlNetFineTuneFeatures";
    public const string TextsLoaderSignature = "MlNetFineTuneTextFeature";

    // Numbers of one row, a picture at all sizes: half a gigabyte.
    private const long MostNumbers = 1L << 27;

    public static VersionInfo ImagesVersion { get; } = ModelArchive.VersionOf("MNFTFEAT", ImagesLoaderSignature);

    public static VersionInfo TextsVersion { get; } = ModelArchive.VersionOf("MNFTTFEA", TextsLoaderSignature);

    public static void Save(ModelSaveContext ctx, FineTunedNetwork network, FeatureManifest manifest)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(manifest.Version);
        ModelArchive.SaveScript(ctx, network);
        ModelArchive.SaveVocabulary(ctx, manifest.GetInput());
        var complete = manifest with { WeightsSha256 = ArchiveFiles.SaveWeights(ctx, network, WeightPrecision.Float32) };
        ArchiveFiles.SaveManifest<object>(ctx, complete); // as an object, it is written with the properties of its kind
    }

    /// <param name="env">Environment of the context.</param>
    /// <param name="ctx">Context at the model's entry.</param>
    /// <param name="version">Version that the header must have.</param>
    public static FeaturesTransformer Load<T>(IHostEnvironment env, ModelLoadContext ctx, VersionInfo version)
        where T : FeatureManifest
    {
        ctx.CheckAtModel(version);
        TorchRuntime.BeginLoading();
        var manifest = ArchiveFiles.LoadManifest<T>(ctx, FeatureManifest.CurrentVersion).WithEntries(ctx);
        using var channel = env.Start("Loading a frozen network");
        var device = Devices.Choose(env, channel);
        var network = Sensible(() => manifest.CreateEmpty(env, ctx));
        try
        {
            ArchiveFiles.LoadWeights(ctx, network, manifest.WeightsSha256);
            network.MoveTo(device);
            network.PrepareForScoring();
            var model = Sensible(() => ModelOf(network, manifest));
            CheckProbe(channel, model);
            return new FeaturesTransformer(env, model, FeatureCache.None);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static FeatureModel ModelOf(FineTunedNetwork network, FeatureManifest manifest)
    {
        var input = manifest.CreateInput(network);
        if (input.Shapes.Sum(shape => (long)shape.Size) is var numbers and > MostNumbers)
            throw new ArgumentException($"a row of it has {numbers} numbers, at most {MostNumbers} are possible");
        if (string.IsNullOrWhiteSpace(manifest.OutputColumn))
            throw new ArgumentException("its output column has no name");
        var function = manifest.CreateFunction(network);
        return manifest.ProbeFeatures.Count == function.Names.Count
            ? new FeatureModel(network, input, function, manifest)
            : throw new ArgumentException($"it has {manifest.ProbeFeatures.Count} probe features of {function.Names.Count}");
    }

    private static void CheckProbe(IChannel channel, FeatureModel model)
    {
        var function = FeatureModel.FunctionOf(model.Function);
        var isOurs = model.Network.Device.type == DeviceType.CPU && model.Network.Definition?.Script is null;
        var onMismatch = model.Manifest.OnProbeMismatch;
        Probe.Check(
            channel, model.Manifest.Noun, model.Input.Shapes.Sum(shape => shape.Size),
            count => Probe.Score(model.Network, model.Input, function, count), model.Manifest.ProbeFeatures,
            onMismatch, isOurs ? ProbeMismatch.Throw : onMismatch);
    }

    private static T Sensible<T>(Func<T> create)
    {
        try
        {
            return create();
        }
        catch (Exception e) when (e is ArgumentException or OverflowException or ExternalException)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
        }
    }
}

// ML.NET finds these classes by reflection: one for each loader signature.
internal static class ImageFeaturesLoader
{
    private static FeaturesTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => FeatureArchive.Load<ImageFeatureManifest>(env, ctx, FeatureArchive.ImagesVersion));
}

internal static class TextFeaturesLoader
{
    private static FeaturesTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => FeatureArchive.Load<TextFeatureManifest>(env, ctx, FeatureArchive.TextsVersion));
}
