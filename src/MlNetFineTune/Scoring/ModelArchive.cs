using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: nothing has to be registered.
[assembly: LoadableClass(typeof(ImageFineTuningTransformer), typeof(ImageFineTuningTransformerLoader), null, typeof(SignatureLoadModel), "Fine-tuned image classifier", ModelArchive.LoaderSignature)]

namespace MlNetFineTune.Scoring;

/// <summary>
/// The model's part of ML.NET's zip, format version 1:
/// <c>Model.key</c> (binary): int count of classes, bool whether the key has values, the values in ML.NET's encoding;
/// <c>weights.safetensors</c>: every tensor of the trained network, in the form that can be trained on;
/// <c>network.pt</c>: the program, where the network is of TorchScript;
/// <c>manifest.json</c>: everything else, see <see cref="ModelManifest"/>; <c>manifest.sha256</c>: its hash, which the first files lack.
/// </summary>
internal static class ModelArchive
{
    public const string LoaderSignature = "MlNetFineTuneImages";
    private const string ScriptStream = "network.pt";

    // Numbers of trained networks hardly pack, sparse ones to a tenth, equal ones to a thousandth. What unpacks to more was made for that.
    private const int MostUnpacking = 100, FreeUnpacking = 16 << 20;

    private static VersionInfo Version { get; } = new(
        modelSignature: "MNFTIMGC",
        verWrittenCur: ArchiveFiles.WrittenVersion,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        // The simple name: with a full one, a newer assembly version fails inside ML.NET before we could say why.
        loaderAssemblyName: typeof(ModelArchive).Assembly.GetName().Name);

    public static void Save(IHostEnvironment env, ModelSaveContext ctx, ImageClassifier classifier, LabelKeys keys, ModelManifest manifest)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        keys.Save(env, ctx.Writer);

        if (classifier.Definition.Script is { } script)
            ctx.SaveBinaryStream(ScriptStream, writer => writer.Write(script.Bytes));
        ArchiveFiles.SaveManifest(ctx, manifest with { WeightsSha256 = ArchiveFiles.SaveWeights(ctx, classifier, manifest.WeightPrecision) });
    }

    public static ImageFineTuningTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var keys = LabelKeys.Load(env, ctx.Reader);
        var manifest = ArchiveFiles.LoadManifest<ModelManifest>(ctx, ModelManifest.CurrentVersion);
        ArchiveFiles.CheckClasses(keys, manifest.Classes, manifest.ProbeScores);
        CheckViews(manifest);
        ArchiveFiles.CheckCalibration(manifest.Calibration, manifest.Classes);

        using var channel = env.Start("Loading a fine-tuned image classifier");
        var device = Devices.Choose(env, channel);
        var classifier = CreateEmpty(BackboneOf(env, ctx, manifest), keys.Count, manifest);
        try
        {
            ArchiveFiles.LoadWeights(ctx, classifier, manifest.WeightsSha256);
            classifier.MoveTo(device);
            classifier.PrepareForScoring();
            Probe.CheckPicture(channel, classifier, MulticlassObjective.OfScoring(keys.Count, manifest.Calibration), manifest);
            return new ImageFineTuningTransformer(env, classifier, keys, manifest, report: null);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>To be filled.</summary>
    public static ImageClassifier CreateEmpty(Backbone backbone, int classes, ModelManifest manifest)
    {
        var classifier = ImageClassifier.CreateEmpty(backbone, classes);
        try
        {
            manifest.Adapter?.Attach(classifier);
            return classifier;
        }
        catch (ArgumentException e)
        {
            classifier.Dispose();
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} describes adapters that do not fit its network ({SafeText.Message(e)})");
        }
    }

    private static Backbone BackboneOf(IHostEnvironment env, ModelLoadContext ctx, ModelManifest manifest)
    {
        try
        {
            return manifest.Backbone.ToBackbone(manifest.Backbone.ScriptSha256 is { } expected ? LoadScript(ctx, expected) : null, env);
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} asks for a network that this library does not know ({SafeText.Message(e)})");
        }
    }

    private static byte[] LoadScript(ModelLoadContext ctx, string expectedSha256)
    {
        var packed = ModelEntries.SizeOf(ctx, ScriptStream)?.PackedLength ?? 0;
        var most = Math.Min(FreeUnpacking + MostUnpacking * packed, Array.MaxLength);
        var bytes = ArchiveFiles.Load(ctx, ScriptStream, most) ?? throw ArchiveFiles.Damaged($"it has no {ScriptStream}");
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return actual == expectedSha256 ? bytes : throw ArchiveFiles.Damaged($"the SHA-256 of {ScriptStream} is {actual}, expected {SafeText.Of(expectedSha256)}");
    }

    /// <exception cref="InvalidDataException">There are no such views.</exception>
    public static void CheckViews(ModelManifest manifest)
    {
        try
        {
            manifest.ScoringViews();
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} asks for views that cannot be scored ({SafeText.Message(e)})");
        }
    }
}

/// <summary>ML.NET calls <c>Create</c> by reflection. A class of its own keeps the method, whose parameter is internal to ML.NET, out of our public surface.</summary>
internal static class ImageFineTuningTransformerLoader
{
    private static ImageFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ModelArchive.Load(env, ctx));
}
