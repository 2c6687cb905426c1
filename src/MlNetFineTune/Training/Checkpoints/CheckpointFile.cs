using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// A checkpoint as one safetensors file: the tensors, and in the metadata the state as JSON and a SHA-256 of both: of the JSON, the
/// tensors' names, types and shapes, and their bytes.
/// </summary>
internal sealed class CheckpointFile : ICheckpointContents
{
    private const string StateKey = "state";
    private const string SumKey = "sha256";

    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly WeightFile _file;
    private readonly Dictionary<string, WeightEntry> _entries;

    private CheckpointFile(WeightFile file, CheckpointState state)
    {
        _file = file;
        _entries = file.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        State = state;
    }

    public CheckpointState State { get; }

    public static void Write(string path, CheckpointState state, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        var json = JsonOf(state);
        using var hash = BeginSum(json, tensors.Select(named => (named.Name, named.Tensor.dtype, named.Tensor.shape)));
        using (var sink = new HashingStream(Stream.Null, hash))
        {
            foreach (var (_, tensor) in tensors)
                SafeTensorsWriter.WriteNumbers(sink, tensor);
        }
        SafeTensorsWriter.WriteFile(path, tensors,
            new Dictionary<string, string> { [StateKey] = json, [SumKey] = Convert.ToHexStringLower(hash.GetHashAndReset()) });
    }

    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">The file was written by another version of this library.</exception>
    public static CheckpointFile Open(string path)
    {
        var file = OpenTensors(path);
        try
        {
            if (!file.Metadata.TryGetValue(StateKey, out var json) || !file.Metadata.TryGetValue(SumKey, out var sum))
                throw new InvalidDataException("it is no checkpoint: it has no state.");
            if (SumOf(path, json, file) != sum)
                throw new InvalidDataException("its checksum does not fit.");
            return new CheckpointFile(file, Parse(json));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void ReadInto(IEnumerable<(string Name, Tensor Tensor)> targets)
    {
        foreach (var (name, target) in targets)
        {
            if (!_entries.TryGetValue(name, out var entry) || !entry.Shape.SequenceEqual(target.shape))
                throw new InvalidDataException(
                    $"Checkpoint '{_file.Source}' has {entry?.Describe() ?? $"no {name}"}; "
                    + $"expected {name} {WeightEntry.Text(target.shape)}. Delete it to train anew.");
            _file.Read(entry, target);
        }
    }

    public bool Has(string name) => _entries.ContainsKey(name);

    public long[]? ShapeOf(string name) => _entries.GetValueOrDefault(name)?.Shape;

    /// <summary>The shapes of all tensors, by name.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes =>
        _entries.ToDictionary(entry => entry.Key, entry => entry.Value.Shape, StringComparer.Ordinal);

    public void Dispose() => _file.Dispose();

    /// <summary>The state as text.</summary>
    public static string JsonOf(CheckpointState state) => JsonSerializer.Serialize(state, s_json);

    /// <summary>The state of a text.</summary>
    /// <exception cref="InvalidDataException">The text is no state.</exception>
    /// <exception cref="NotSupportedException">It was written by another version of this library.</exception>
    public static CheckpointState Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (!document.RootElement.TryGetProperty(nameof(CheckpointState.FormatVersion), out var element)
                || !element.TryGetInt32(out var version))
            {
                throw new InvalidDataException("its state has no format version.");
            }
            if (version != CheckpointState.CurrentVersion)
            {
                throw new NotSupportedException(
                    $"it has format version {version}; this version of the library knows {CheckpointState.CurrentVersion}.");
            }
            var state = document.Deserialize<CheckpointState>(s_json)!;
            _ = JsonOf(state); // half a character in the fingerprint shows only when it is read
            return state;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException) // also of constructors
        {
            throw new InvalidDataException($"its state cannot be read ({SafeText.Message(e)}).", e);
        }
    }

    // No other format of weights has the sum where it is looked for.
    private static WeightFile OpenTensors(string path)
    {
        var bytes = ByteSource.OfFile(path);
        try
        {
            return SafeTensorsReader.Read(bytes, path);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static string SumOf(string path, string json, WeightFile file)
    {
        using var stream = File.OpenRead(path);
        Span<byte> length = stackalloc byte[8];
        stream.ReadExactly(length);
        stream.Position = 8 + (long)BinaryPrimitives.ReadUInt64LittleEndian(length);
        using var hash = BeginSum(json, file.Entries.Select(entry => (entry.Name, entry.Type, entry.Shape)));
        using var sink = new HashingStream(Stream.Null, hash);
        stream.CopyTo(sink);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IncrementalHash BeginSum(string json, IEnumerable<(string Name, ScalarType Type, long[] Shape)> tensors)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(json));
        foreach (var (name, type, shape) in tensors)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {type} [{string.Join(", ", shape)}]\n"));
        return hash;
    }
}
