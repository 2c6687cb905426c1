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
    typeof(ImageFeaturesTransformer), typeof(ImageFeaturesLoader), null, typeof(SignatureLoadModel), "Features of a frozen network",
    FeatureArchive.LoaderSignature)]

namespace MlNetFineTune.Transforms;

/// <summary>
/// A feature extractor in ML.NET's zip: <c>weights.safetensors</c>, <c>manifest.json</c> (<see cref="FeatureManifest"/>) and its hash, and
/// <c>network.pt</c> if the network is a TorchScript program.
/// </summary>
internal static class FeatureArchive
{
    public const string LoaderSignature = "MlNetFineTuneFeatures";

    // Numbers of one picture at all sizes: half a gigabyte.
    private const long MostNumbers = 1L << 27;

    private static readonly VersionInfo s_version = new(
        modelSignature: "MNFTFEAT",
        verWrittenCur: ArchiveFiles.WrittenVersion,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        loaderAssemblyName: typeof(FeatureArchive).Assembly.GetName().Name);

    public static void Save(ModelSaveContext ctx, FineTunedNetwork network, FeatureManifest manifest)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        ModelArchive.SaveScript(ctx, network);
        ArchiveFiles.SaveManifest(
            ctx, manifest with { WeightsSha256 = ArchiveFiles.SaveWeights(ctx, network, WeightPrecision.Float32) });
    }

    public static ImageFeaturesTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        var manifest = ArchiveFiles.LoadManifest<FeatureManifest>(ctx, FeatureManifest.CurrentVersion);
        using var channel = env.Start("Loading a frozen network");
        var device = Devices.Choose(env, channel);
        var network = CreateEmpty(env, ctx, manifest);
        try
        {
            ArchiveFiles.LoadWeights(ctx, network, manifest.WeightsSha256);
            network.MoveTo(device);
            network.PrepareForScoring();
            var model = Sensible(() => ModelOf(network, manifest));
            CheckProbe(channel, model);
            return new ImageFeaturesTransformer(env, model, FeatureCache.None);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static ImageNetwork CreateEmpty(IHostEnvironment env, ModelLoadContext ctx, FeatureManifest manifest) => Sensible(() =>
    {
        if (manifest.Encoder.Table is not null)
            throw new ArgumentException("a table stands beside its pictures");
        var script = manifest.Encoder.ScriptSha256 is { } sha256 ? ModelArchive.LoadScript(ctx, sha256) : null;
        return ImageNetwork.CreateEmpty(manifest.Encoder.ToBackbone(script, env), features => new FeatureHead(features));
    });

    private static FeatureModel ModelOf(ImageNetwork network, FeatureManifest manifest)
    {
        var pooling = manifest.Pooling.Create();
        var sizes = FeaturePlan.SizesOf(pooling, network.Definition);
        var input = manifest.CreateInput(sizes);
        if (input.Shapes.Sum(shape => (long)shape.Size) is var numbers and > MostNumbers)
            throw new ArgumentException($"a row of it has {numbers} numbers, at most {MostNumbers} are possible");
        if (string.IsNullOrWhiteSpace(manifest.OutputColumn))
            throw new ArgumentException("its output column has no name");
        var plan = FeaturePlan.Of(pooling, network);
        return manifest.ProbeFeatures.Count == plan.Names.Count
            ? new FeatureModel(network, input, plan, manifest)
            : throw new ArgumentException($"it has {manifest.ProbeFeatures.Count} probe features of {plan.Names.Count}");
    }

    private static void CheckProbe(IChannel channel, FeatureModel model)
    {
        var function = FeatureModel.FunctionOf(model.Plan);
        var isOurs = model.Network.Device.type == DeviceType.CPU && model.Network.Definition.Script is null;
        var onMismatch = model.Manifest.OnProbeMismatch;
        Probe.Check(
            channel, "picture", model.Input.Shapes.Sum(shape => shape.Size),
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

// ML.NET finds it by reflection.
internal static class ImageFeaturesLoader
{
    private static ImageFeaturesTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => FeatureArchive.Load(env, ctx));
}
