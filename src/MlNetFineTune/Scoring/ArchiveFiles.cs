using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Heads;
using MlNetFineTune.Rows;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>The files that every model of ours has in ML.NET's zip: the weights and a manifest.</summary>
internal static class ArchiveFiles
{
    public const string ManifestStream = "manifest.json";
    private const string ManifestHashStream = "manifest.sha256";
    private const string WeightsStream = "weights.safetensors";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <returns>Their SHA-256.</returns>
    public static string SaveWeights(ModelSaveContext ctx, TrainableNetwork network, WeightPrecision precision)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ctx.SaveBinaryStream(WeightsStream, writer => WriteWeights(writer.BaseStream, sha, network, precision));
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    /// <summary>What <see cref="SaveWeights"/> would give.</summary>
    public static string Sha256Of(TrainableNetwork network, WeightPrecision precision)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WriteWeights(Stream.Null, sha, network, precision);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    public static void LoadWeights(ModelLoadContext ctx, TrainableNetwork network, string? expectedSha256)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var found = ctx.TryLoadBinaryStream(WeightsStream, reader =>
        {
            using var hashing = new HashingStream(reader.BaseStream, sha);
            using var file = SafeTensorsReader.Read(ByteSource.OfStream(hashing, reader.BaseStream.Length), WeightsStream);
            StrictLoader.Load(file, network.NamedTensors(), network.Name, mayIgnore: _ => false);
        });
        if (!found)
            throw Damaged($"it has no {WeightsStream}");
        var actual = Convert.ToHexStringLower(sha.GetHashAndReset());
        if (actual != expectedSha256)
            throw Damaged($"the SHA-256 of {WeightsStream} is {actual}, expected {expectedSha256}");
    }

    /// <summary>The manifest, and its SHA-256 beside it: a changed digit in a mean or a crop would still be a manifest.</summary>
    public static void SaveManifest<T>(ModelSaveContext ctx, T manifest)
    {
        var json = ToJson(manifest);
        ctx.SaveTextStream(ManifestStream, writer => writer.Write(json));
        ctx.SaveTextStream(ManifestHashStream, writer => writer.Write(Sha256(json)));
    }

    public static string ToJson<T>(T manifest) => JsonSerializer.Serialize(manifest, s_json);

    /// <exception cref="NotSupportedException">A later library wrote it.</exception>
    public static T LoadManifest<T>(ModelLoadContext ctx, int currentVersion)
        where T : class
    {
        string? json = null;
        if (!ctx.TryLoadTextStream(ManifestStream, reader => json = reader.ReadToEnd()))
            throw Damaged($"it has no {ManifestStream}");
        string? expected = null; // the first files of version 1 have none
        if (ctx.TryLoadTextStream(ManifestHashStream, reader => expected = reader.ReadToEnd().Trim()) && expected != Sha256(json!))
            throw Damaged($"the SHA-256 of {ManifestStream} is {Sha256(json!)}, expected {expected}");
        return FromJson<T>(json!, currentVersion, ManifestStream);
    }

    private static string Sha256(string json) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)));

    /// <param name="json">A manifest.</param>
    /// <param name="currentVersion">The last that is known.</param>
    /// <param name="source">Where it was, for messages.</param>
    /// <exception cref="NotSupportedException">A later library wrote it.</exception>
    public static T FromJson<T>(string json, int currentVersion, string source)
        where T : class
    {
        try
        {
            // The version first: a newer manifest may not fit our record at all.
            using (var document = JsonDocument.Parse(json))
            {
                if (document.RootElement.ValueKind != JsonValueKind.Object
                    || !document.RootElement.TryGetProperty(nameof(ModelManifest.FormatVersion), out var element)
                    || element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var version) || version < 1)
                {
                    throw Damaged($"its {source} has no format version");
                }
                if (version > currentVersion)
                    throw new NotSupportedException($"The model has format version {version}; this library reads up to {currentVersion}. Update the package MlNetFineTune.");
            }
            return JsonSerializer.Deserialize<T>(json, s_json) ?? throw Damaged($"its {source} is empty");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Damaged($"its {source} cannot be read: {e.Message}");
        }
    }

    public static void CheckClasses(LabelKeys keys, IReadOnlyList<string> classes, IReadOnlyList<float> probeScores)
    {
        if (probeScores.Count != keys.Count)
            throw Damaged($"its {ManifestStream} has {probeScores.Count} probe scores for {keys.Count} classes");
        if (!classes.SequenceEqual(keys.Names, StringComparer.Ordinal) && !classes.SequenceEqual(keys.Texts, StringComparer.Ordinal))
            throw Damaged($"its manifest names the classes {string.Join(", ", classes)}, its key {string.Join(", ", keys.Names)}");
    }

    public static void CheckCalibration(CalibrationReport? calibration, IReadOnlyList<string> classes)
    {
        try
        {
            calibration?.Check(classes);
        }
        catch (ArgumentException e)
        {
            throw Damaged($"the calibration in its {ManifestStream} makes no sense ({e.Message})");
        }
    }

    private static void WriteWeights(Stream stream, IncrementalHash sha, TrainableNetwork network, WeightPrecision precision)
    {
        using var hashing = new HashingStream(stream, sha);
        using var scope = NewDisposeScope();
        SafeTensorsWriter.Write(hashing, precision == WeightPrecision.Float16 ? HalfWeights.Of(network) : network.NamedTensors(), network.Metadata);
    }

    public static InvalidDataException Damaged(string what) => new($"The model file is damaged or not ours: {what}. Save the model again, or fetch the file again.");
}
