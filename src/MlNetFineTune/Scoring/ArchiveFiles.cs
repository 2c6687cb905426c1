using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring.Format1;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>The files that every model of ours has in ML.NET's zip: the weights and a manifest.</summary>
internal static class ArchiveFiles
{
    public const string ManifestStream = "manifest.json";
    private const string ManifestHashStream = "manifest.sha256";
    private const string WeightsStream = "weights.safetensors";

    /// <summary>
    /// The version that ML.NET's header of our entry carries. Since the second, <c>manifest.sha256</c> must be there; those who know the
    /// first read it all the same.
    /// </summary>
    public const uint WrittenVersion = 0x00010003;

    // Since then every file has the manifest's hash.
    private const uint FirstVersionWithHash = 0x00010002;

    // A manifest has a hundred bytes a class. A zip of a megabyte can unpack to a gigabyte, and text takes twice that, its JSON more.
    private const int MaximumManifestLength = 16 << 20;
    private const int MaximumHashLength = 256;

    // Names, types, shapes and the recipe, before the numbers.
    private const int MaximumWeightsHeader = 16 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        AllowDuplicateProperties = false,
        AllowOutOfOrderMetadataProperties = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <returns>Their SHA-256.</returns>
    public static string SaveWeights(ModelSaveContext ctx, FineTunedNetwork network, WeightPrecision precision)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ctx.SaveBinaryStream(WeightsStream, writer => WriteWeights(writer.BaseStream, sha, network, precision));
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    /// <summary>What <see cref="SaveWeights"/> would give.</summary>
    public static string Sha256Of(FineTunedNetwork network, WeightPrecision precision)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WriteWeights(Stream.Null, sha, network, precision);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    public static void LoadWeights(ModelLoadContext ctx, FineTunedNetwork network, string? expectedSha256)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var numbers = network.NamedTensors().Sum(named => named.Tensor.numel() * named.Tensor.element_size());
        RequireLength(ctx, WeightsStream, MaximumWeightsHeader + numbers);
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
            throw Damaged($"the SHA-256 of {WeightsStream} is {actual}, expected {SafeText.Of(expectedSha256)}");
    }

    /// <summary>The manifest, and its SHA-256 beside it: a changed digit in a mean or a crop would still be a manifest.</summary>
    public static void SaveManifest<T>(ModelSaveContext ctx, T manifest)
    {
        var json = ToJson(manifest);
        if (Encoding.UTF8.GetByteCount(json) is var length and > MaximumManifestLength)
        {
            throw new InvalidOperationException(
                $"The model's {ManifestStream} would have {length} bytes; at most {MaximumManifestLength} are read. Most of it are the "
                + "names of the classes: give them shorter ones.");
        }
        ctx.SaveTextStream(ManifestStream, writer => writer.Write(json));
        ctx.SaveTextStream(ManifestHashStream, writer => writer.Write(Sha256(json)));
    }

    public static string ToJson<T>(T manifest) => JsonSerializer.Serialize(manifest, s_json);

    /// <exception cref="InvalidDataException">It is missing or damaged.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer version of this library.</exception>
    public static ModelManifest LoadManifest(ModelLoadContext ctx) => ManifestOf(LoadManifestText(ctx), ManifestStream);

    /// <summary>The manifest of another kind of entry than a model.</summary>
    /// <inheritdoc cref="LoadManifest(ModelLoadContext)"/>
    public static T LoadManifest<T>(ModelLoadContext ctx, int currentVersion)
        where T : class
    {
        try
        {
            var json = LoadManifestText(ctx);
            CheckVersion(json, ManifestStream, currentVersion);
            return Deserialize<T>(json, ManifestStream);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Damaged($"its {ManifestStream} cannot be read: {SafeText.Message(e)}");
        }
    }

    private static string LoadManifestText(ModelLoadContext ctx)
    {
        if (ModelEntries.Doubled(ctx) is { } doubled)
            throw Damaged($"it has two entries {SafeText.Quoted(doubled)}");
        var bytes = Load(ctx, ManifestStream, MaximumManifestLength) ?? throw Damaged($"it has no {ManifestStream}");
        var json = Text(bytes, ManifestStream);
        var expected = Load(ctx, ManifestHashStream, MaximumHashLength);
        if (expected is null && HasHash(ctx, json))
            throw Damaged($"it has no {ManifestHashStream}, so that a change of its {ManifestStream} would not be noticed");
        if (expected is not null && Text(expected, ManifestHashStream).Trim() is var hash && hash != Sha256(json))
            throw Damaged($"the SHA-256 of {ManifestStream} is {Sha256(json)}, expected {SafeText.Of(hash)}");
        return json;
    }

    /// <summary>An entry's bytes; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It has more bytes than <paramref name="most"/>. Nothing was unpacked.</exception>
    public static byte[]? Load(ModelLoadContext ctx, string name, long most)
    {
        RequireLength(ctx, name, most);
        byte[]? bytes = null;
        ctx.TryLoadBinaryStream(name, reader =>
        {
            if (reader.BaseStream.Length > most)
                throw TooLong(name, reader.BaseStream.Length, most);
            bytes = reader.ReadBytes((int)reader.BaseStream.Length);
        });
        return bytes;
    }

    private static void RequireLength(ModelLoadContext ctx, string name, long most)
    {
        if (ModelEntries.SizeOf(ctx, name) is { } size && size.Length > most)
            throw TooLong(name, size.Length, most);
    }

    private static InvalidDataException TooLong(string name, long length, long most) =>
        Damaged($"its {name} has {length} bytes, expected at most {most}");

    // The first files of version 1 have no hash. The header of ML.NET tells since a later one, and between them the manifest does: what it
    // has of weights' precision came after the hash.
    private static bool HasHash(ModelLoadContext ctx, string json) =>
        ctx.Header.ModelVerWritten >= FirstVersionWithHash
        || json.Contains($"\"{nameof(ModelManifest.WeightPrecision)}\"", StringComparison.Ordinal);

    private static string Text(byte[] bytes, string name)
    {
        try
        {
            var mark = Encoding.UTF8.Preamble;
            return s_utf8.GetString(bytes.AsSpan().StartsWith(mark) ? bytes.AsSpan(mark.Length) : bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Damaged($"its {name} is not UTF-8");
        }
    }

    private static string Sha256(string json) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)));

    /// <summary>A manifest of any format version, as the current one has it.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer version of this library.</exception>
    public static ModelManifest ManifestOf(string json, string source)
    {
        try
        {
            var (version, isModule) = CheckVersion(json, source, ModelManifest.CurrentVersion);
            return version == ModelManifest.CurrentVersion ? Deserialize<ModelManifest>(json, source)
                : isModule
                    ? Deserialize<Format1.ModuleModelManifest>(json, source).ToCurrent()
                : Deserialize<Format1.ImageManifest>(json, source).ToCurrent();
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Damaged($"its {source} cannot be read: {SafeText.Message(e)}");
        }
    }

    // The version first: a newer manifest may not fit our record at all. In format 1, modules' manifests name the module.
    private static (int Version, bool IsModule) CheckVersion(string json, string source, int current)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty(nameof(ModelManifest.FormatVersion), out var element)
            || element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var version) || version < 1)
        {
            throw Damaged($"its {source} has no format version");
        }
        if (version > current)
        {
            throw new NotSupportedException(
                $"The model has format version {version}; this library reads up to {current}. Update the package MlNetFineTune.");
        }
        return (version, root.TryGetProperty(nameof(Format1.ModuleModelManifest.Module), out _));
    }

    private static T Deserialize<T>(string json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, s_json) ?? throw Damaged($"its {source} is empty");
        }
        catch (NotSupportedException e)
        {
            throw Damaged($"its {source} cannot be read: {SafeText.Message(e)}"); // a part that does not say its kind
        }
    }

    private static void WriteWeights(Stream stream, IncrementalHash sha, FineTunedNetwork network, WeightPrecision precision)
    {
        using var hashing = new HashingStream(stream, sha);
        using var scope = NewDisposeScope();
        SafeTensorsWriter.Write(hashing, precision == WeightPrecision.Float16 ? HalfWeights.Of(network) : network.NamedTensors(),
            network.Metadata);
    }

    public static InvalidDataException Damaged(string what) =>
        new($"The model file is damaged or not ours: {what}. Save the model again, or fetch the file again.");
}
