using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.Heads;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;
using MlNetFineTune.Scoring;
using MlNetFineTune.WeightFiles;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: nothing has to be registered.
[assembly: LoadableClass(typeof(ImageFineTuningTransformer), typeof(ImageFineTuningTransformerLoader), null, typeof(SignatureLoadModel), "Fine-tuned image classifier", ModelArchive.LoaderSignature)]

namespace MlNetFineTune.Scoring;

/// <summary>
/// The model's part of ML.NET's zip, format version 1:
/// <c>Model.key</c> (binary): int count of classes, bool whether the key has values, the values in ML.NET's encoding;
/// <c>weights.safetensors</c>: every tensor of the trained network, in the form that can be trained on;
/// <c>manifest.json</c>: everything else, see <see cref="ModelManifest"/>.
/// </summary>
internal static class ModelArchive
{
    public const string LoaderSignature = "MlNetFineTuneImages";
    private const string WeightsStream = "weights.safetensors";
    private const string ManifestStream = "manifest.json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static VersionInfo Version { get; } = new(
        modelSignature: "MNFTIMGC",
        verWrittenCur: 0x00010001,
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

        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ctx.SaveBinaryStream(WeightsStream, writer =>
        {
            using var hashing = new HashingStream(writer.BaseStream, sha);
            SafeTensorsWriter.Write(hashing, classifier.NamedTensors(), classifier.Definition.Recipe.ToMetadata());
        });
        manifest = manifest with { WeightsSha256 = Convert.ToHexStringLower(sha.GetHashAndReset()) };
        ctx.SaveTextStream(ManifestStream, writer => writer.Write(JsonSerializer.Serialize(manifest, s_json)));
    }

    public static ImageFineTuningTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var keys = LabelKeys.Load(env, ctx.Reader);
        var manifest = LoadManifest(ctx);
        if (manifest.ProbeScores.Count != keys.Count)
            throw Damaged($"its {ManifestStream} has {manifest.ProbeScores.Count} probe scores for {keys.Count} classes");
        if (!manifest.Classes.SequenceEqual(keys.Names, StringComparer.Ordinal))
            throw Damaged($"its manifest names the classes {string.Join(", ", manifest.Classes)}, its key {string.Join(", ", keys.Names)}");

        CheckViews(manifest);

        using var channel = env.Start("Loading a fine-tuned image classifier");
        var device = Devices.Choose(env, channel);
        var classifier = ImageClassifier.CreateEmpty(BackboneOf(manifest), keys.Count);
        try
        {
            LoadWeights(ctx, classifier, manifest);
            classifier.MoveTo(device);
            classifier.PrepareForScoring();
            CheckProbe(channel, classifier, manifest);
            return new ImageFineTuningTransformer(env, classifier, keys, manifest, report: null);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    private static ModelManifest LoadManifest(ModelLoadContext ctx)
    {
        string? json = null;
        if (!ctx.TryLoadTextStream(ManifestStream, reader => json = reader.ReadToEnd()))
            throw Damaged($"it has no {ManifestStream}");
        try
        {
            // The version first: a newer manifest may not fit our record at all.
            using (var document = JsonDocument.Parse(json!))
            {
                if (document.RootElement.ValueKind != JsonValueKind.Object
                    || !document.RootElement.TryGetProperty(nameof(ModelManifest.FormatVersion), out var element)
                    || element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var version) || version < 1)
                {
                    throw Damaged($"its {ManifestStream} has no format version");
                }
                if (version > ModelManifest.CurrentVersion)
                    throw new NotSupportedException($"The model has format version {version}; this library reads up to {ModelManifest.CurrentVersion}. Update the package MlNetFineTune.");
            }
            return JsonSerializer.Deserialize<ModelManifest>(json!, s_json) ?? throw Damaged($"its {ManifestStream} is empty");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Damaged($"its {ManifestStream} cannot be read: {e.Message}");
        }
    }

    private static Backbone BackboneOf(ModelManifest manifest)
    {
        try
        {
            return manifest.Backbone.ToBackbone();
        }
        catch (ArgumentException e)
        {
            throw Damaged($"its {ManifestStream} asks for a network that this library does not know ({e.Message})");
        }
    }

    private static void CheckViews(ModelManifest manifest)
    {
        try
        {
            manifest.ScoringViews();
        }
        catch (ArgumentException e)
        {
            throw Damaged($"its {ManifestStream} asks for views that cannot be scored ({e.Message})");
        }
    }

    private static void LoadWeights(ModelLoadContext ctx, ImageClassifier classifier, ModelManifest manifest)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var found = ctx.TryLoadBinaryStream(WeightsStream, reader =>
        {
            using var hashing = new HashingStream(reader.BaseStream, sha);
            using var file = SafeTensorsReader.Read(ByteSource.OfStream(hashing, reader.BaseStream.Length), WeightsStream);
            StrictLoader.Load(file, classifier.NamedTensors(), classifier.Definition.Name, mayIgnore: _ => false);
        });
        if (!found)
            throw Damaged($"it has no {WeightsStream}");
        var actual = Convert.ToHexStringLower(sha.GetHashAndReset());
        if (actual != manifest.WeightsSha256)
            throw Damaged($"the SHA-256 of {WeightsStream} is {actual}, expected {manifest.WeightsSha256}");
    }

    private static void CheckProbe(IChannel channel, ImageClassifier classifier, ModelManifest manifest)
    {
        var actual = Probe.Score(classifier);
        var difference = actual.Zip(manifest.ProbeScores, (a, b) => MathF.Abs(a - b)).Max();
        if (difference <= Probe.Tolerance)
            return;
        var message = $"The model scores its probe picture otherwise than where it was trained: the greatest difference is {difference:0.0000}, at most {Probe.Tolerance} is expected. Compare the versions in its {ManifestStream} with yours.";
        if (manifest.OnProbeMismatch == ProbeMismatch.Throw)
            throw new InvalidDataException(message);
        channel.Warning(message);
    }

    private static InvalidDataException Damaged(string what) => new($"The model file is damaged or not ours: {what}. Save the model again, or fetch the file again.");
}

/// <summary>ML.NET calls <c>Create</c> by reflection. A class of its own keeps the method, whose parameter is internal to ML.NET, out of our public surface.</summary>
internal static class ImageFineTuningTransformerLoader
{
    private static ImageFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => ModelArchive.Load(env, ctx);
}
