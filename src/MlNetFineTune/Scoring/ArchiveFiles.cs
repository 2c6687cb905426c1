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

/// <summary>The entries that every model of this library has in ML.NET's zip: the weights and a manifest.</summary>
internal static class ArchiveFiles
{
    public const string ManifestStream = "manifest.json";
    private const string ManifestHashStream = "manifest.sha256";
    private const string WeightsStream = "weights.safetensors";

    /// <summary>
    /// Version in ML.NET's header of the model's entry. From the second version on, <c>manifest.sha256</c> is required; readers of the
    /// first version can read these files too.
    /// </summary>
    public const uint WrittenVersion = 0x00010003;

    // From this version on every file has the manifest's hash.
    private const uint FirstVersionWithHash = 0x00010002;

    // A manifest needs about 100 bytes per class. A limit, because a zip of 1 MB can decompress to 1 GB, and the text and its JSON take
    // several times that.
    private const int MaximumManifestLength = 16 << 20;
    private const int MaximumHashLength = 256;

    // The safetensors header: names, types, shapes and metadata.
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

    /// <returns>SHA-256 of the weights, in lower-case hexadecimal.</returns>
    public static string SaveWeights(ModelSaveContext ctx, FineTunedNetwork network, WeightPrecision precision)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ctx.SaveBinaryStream(WeightsStream, writer => WriteWeights(writer.BaseStream, sha, network, precision));
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    /// <summary>The hash that <see cref="SaveWeights"/> would return.</summary>
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

    /// <summary>
    /// Writes the manifest and its SHA-256: a manifest with a changed digit, for example in a mean, would still be valid JSON.
    /// </summary>
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

    /// <exception cref="InvalidDataException">The manifest is missing or damaged.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer version of this library.</exception>
    public static ModelManifest LoadManifest(ModelLoadContext ctx) => ManifestOf(LoadJson(ctx), ManifestStream);

    /// <summary>Loads the manifest of another kind of model, which has a single format version.</summary>
    /// <param name="ctx">Context at the model.</param>
    /// <param name="current">The supported version.</param>
    /// <exception cref="InvalidDataException">The manifest is missing or damaged.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer version of this library.</exception>
    public static T LoadManifest<T>(ModelLoadContext ctx, int current) =>
        Parsed(LoadJson(ctx), ManifestStream, current, (json, _, _) => Deserialize<T>(json, ManifestStream));

    // Returns the text after comparing its hash.
    private static string LoadJson(ModelLoadContext ctx)
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

    /// <summary>The bytes of an entry; null if there is no such entry.</summary>
    /// <exception cref="InvalidDataException">The entry is longer than <paramref name="most"/> bytes. Nothing was decompressed.</exception>
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

    // The first files of version 1 have no hash. Later ML.NET's header states it; for files between, the manifest does: its property
    // WeightPrecision was added after the hash.
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

    /// <summary>Reads a manifest of any format version, converted to the current one.</summary>
    /// <exception cref="InvalidDataException">The manifest is damaged.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer version of this library.</exception>
    public static ModelManifest ManifestOf(string json, string source) => Parsed(
        json, source, ModelManifest.CurrentVersion,
        (text, root, version) => version == ModelManifest.CurrentVersion ? Deserialize<ModelManifest>(text, source)
            : root.TryGetProperty(nameof(Format1.ModuleModelManifest.Module), out _)
                ? Deserialize<Format1.ModuleModelManifest>(text, source).ToCurrent()
            : Deserialize<Format1.ImageManifest>(text, source).ToCurrent());

    private static T Parsed<T>(string json, string source, int current, Func<string, JsonElement, int, T> read)
    {
        try
        {
            // The version first: a manifest of a newer version may not deserialise at all.
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
                    $"The model has format version {version}; this library reads up to {current}. "
                    + "Update the package MlNetFineTune.");
            }
            return read(json, root, version);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException) // the second: half a character
        {
            throw Damaged($"its {source} cannot be read: {SafeText.Message(e)}");
        }
    }

    private static T Deserialize<T>(string json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, s_json) ?? throw Damaged($"its {source} is empty");
        }
        catch (NotSupportedException e)
        {
            throw Damaged($"its {source} cannot be read: {SafeText.Message(e)}"); // a polymorphic part without a type discriminator
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
