using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>One tensor of a safetensors file; the offsets count from the end of the header.</summary>
internal sealed record SafeTensorsEntry(string Name, ScalarType Type, long[] Shape, long Begin, long End)
{
    public string Describe() => $"{Name} [{string.Join(", ", Shape)}]";
}

/// <summary>
/// The header of a safetensors file (https://github.com/huggingface/safetensors, "Format"): eight bytes of length, then JSON with a type, a
/// shape and a byte range for each tensor. The file is untrusted: every number is checked before memory is taken.
/// </summary>
internal sealed class SafeTensorsHeader
{
    // The reference implementation's own limit; a real header has some hundred bytes a tensor.
    private const long MaximumLength = 100_000_000;

    private static readonly Dictionary<string, (ScalarType Type, int Size)> s_types = new(StringComparer.Ordinal)
    {
        ["F64"] = (ScalarType.Float64, 8),
        ["F32"] = (ScalarType.Float32, 4),
        ["F16"] = (ScalarType.Float16, 2),
        ["BF16"] = (ScalarType.BFloat16, 2),
        ["I64"] = (ScalarType.Int64, 8),
        ["I32"] = (ScalarType.Int32, 4),
        ["I16"] = (ScalarType.Int16, 2),
        ["I8"] = (ScalarType.Int8, 1),
        ["U8"] = (ScalarType.Byte, 1),
        ["BOOL"] = (ScalarType.Bool, 1),
    };

    private SafeTensorsHeader(string source, IReadOnlyList<SafeTensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Source = source;
        Entries = entries;
        Metadata = metadata;
    }

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>In the order of their bytes, which cover the file without gap or overlap.</summary>
    public IReadOnlyList<SafeTensorsEntry> Entries { get; }

    /// <summary>Free text by key, from <c>__metadata__</c>; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads the header and leaves <paramref name="stream"/> at the first tensor's bytes.</summary>
    /// <param name="stream">At the start of the file.</param>
    /// <param name="length">Bytes of the whole file.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">The file is not a well-formed safetensors file.</exception>
    public static SafeTensorsHeader Read(Stream stream, long length, string source)
    {
        if (length < 8)
            throw Bad(source, $"it has {length} bytes; even an empty one has 8");
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaximumLength || (long)headerLength > length - 8)
            throw Bad(source, $"its first 8 bytes announce a header of {headerLength} bytes in a file of {length} bytes. It is another format, or cut off");

        var bytes = new byte[headerLength];
        stream.ReadExactly(bytes);
        try
        {
            using var json = JsonDocument.Parse(bytes);
            return Parse(json.RootElement, length - 8 - (long)headerLength, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Text that is not Unicode is found only when it is asked for, as an InvalidOperationException.
            throw Bad(source, $"its header is not JSON ({e.Message})");
        }
    }

    private static SafeTensorsHeader Parse(JsonElement root, long dataLength, string source)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Bad(source, "its header is not a JSON object");
        var entries = new List<SafeTensorsEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw Bad(source, $"its header names '{property.Name}' twice");
            if (property.Name == "__metadata__")
                ReadMetadata(property.Value, metadata, source);
            else
                entries.Add(ParseEntry(property, source));
        }

        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long position = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != position)
                throw Bad(source, $"tensor '{entry.Name}' begins at byte {entry.Begin}, expected {position}");
            position = entry.End;
        }
        if (position != dataLength)
            throw Bad(source, $"its tensors cover {position} bytes, but {dataLength} follow the header. {(position > dataLength ? "It is cut off: fetch it again" : "Something else is appended")}");
        return new SafeTensorsHeader(source, entries, metadata);
    }

    private static void ReadMetadata(JsonElement element, Dictionary<string, string> metadata, string source)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Bad(source, "its __metadata__ is not an object");
        foreach (var pair in element.EnumerateObject())
        {
            metadata[pair.Name] = pair.Value.ValueKind == JsonValueKind.String
                ? pair.Value.GetString()!
                : throw Bad(source, $"its __metadata__ entry '{pair.Name}' is not a text");
        }
    }

    private static SafeTensorsEntry ParseEntry(JsonProperty property, string source)
    {
        var element = property.Value;
        if (element.ValueKind != JsonValueKind.Object
            || !element.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !element.TryGetProperty("shape", out var shapeElement) || !TryReadSizes(shapeElement, out var shape)
            || !element.TryGetProperty("data_offsets", out var offsetsElement) || !TryReadSizes(offsetsElement, out var offsets)
            || offsets.Length != 2 || offsets[0] > offsets[1])
        {
            throw Bad(source, $"the entry of tensor '{property.Name}' lacks a proper dtype, shape or data_offsets");
        }
        if (!s_types.TryGetValue(dtype.GetString()!, out var type))
            throw Bad(source, $"tensor '{property.Name}' has the type {dtype.GetString()}; known are {string.Join(", ", s_types.Keys)}");

        var size = (Int128)type.Size;
        foreach (var dimension in shape)
        {
            size *= dimension;
            if (size > long.MaxValue)
                throw Bad(source, $"tensor '{property.Name}' claims the impossible shape [{string.Join(", ", shape)}]");
        }
        if (size != offsets[1] - offsets[0])
            throw Bad(source, $"tensor '{property.Name}' of shape [{string.Join(", ", shape)}] and type {dtype.GetString()} needs {size} bytes but has {offsets[1] - offsets[0]}");
        return new SafeTensorsEntry(property.Name, type.Type, shape, offsets[0], offsets[1]);
    }

    private static bool TryReadSizes(JsonElement element, out long[] sizes)
    {
        sizes = [];
        if (element.ValueKind != JsonValueKind.Array)
            return false;
        sizes = new long[element.GetArrayLength()];
        var i = 0;
        foreach (var item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out sizes[i]) || sizes[i++] < 0)
                return false;
        }
        return true;
    }

    private static InvalidDataException Bad(string source, string what) => new($"'{source}' is not a proper safetensors file: {what}.");
}
