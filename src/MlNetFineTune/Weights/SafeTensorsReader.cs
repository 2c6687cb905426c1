using System.Buffers.Binary;
using System.Text.Json;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Reads a safetensors file (https://github.com/huggingface/safetensors, "Format"): eight bytes of length, then JSON with a type, a
/// shape and a byte range for each tensor. The file is untrusted: every number is checked before memory is taken.
/// </summary>
internal static class SafeTensorsReader
{
    // The reference implementation's own limit; a real header has some hundred bytes a tensor.
    private const long MaximumLength = 100_000_000;

    /// <summary>Whether a file begins as a safetensors file does: a possible length, and a JSON object.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> start) => start.Length >= 9 && start[8] == '{' && BinaryPrimitives.ReadUInt64LittleEndian(start) <= MaximumLength;

    /// <param name="bytes">The file. The result owns it.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">The file is not a well-formed safetensors file.</exception>
    public static WeightFile Read(ByteSource bytes, string source)
    {
        if (bytes.Length < 8)
            throw Bad(source, $"it has {bytes.Length} bytes; even an empty one has 8");
        Span<byte> prefix = stackalloc byte[8];
        bytes.Read(0, prefix);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaximumLength || (long)headerLength > bytes.Length - 8)
            throw Bad(source, $"its first 8 bytes announce a header of {headerLength} bytes in a file of {bytes.Length} bytes. It is another format, or cut off");

        var header = new byte[headerLength];
        bytes.Read(8, header);
        try
        {
            using var json = JsonDocument.Parse(header);
            return Parse(json.RootElement, bytes, 8 + (long)headerLength, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Text that is not Unicode is found only when it is asked for, as an InvalidOperationException.
            throw Bad(source, $"its header is not JSON ({e.Message})");
        }
    }

    private static WeightFile Parse(JsonElement root, ByteSource bytes, long dataStart, string source)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Bad(source, "its header is not a JSON object");
        var entries = new List<(WeightEntry Entry, long Begin, long End)>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw Bad(source, $"its header names '{property.Name}' twice");
            if (property.Name == "__metadata__")
                ReadMetadata(property.Value, metadata, source);
            else
                entries.Add(ParseEntry(property, bytes, dataStart, source));
        }

        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long position = 0;
        foreach (var (entry, begin, end) in entries)
        {
            if (begin != position)
                throw Bad(source, $"tensor '{entry.Name}' begins at byte {begin}, expected {position}");
            position = end;
        }
        var dataLength = bytes.Length - dataStart;
        if (position != dataLength)
            throw Bad(source, $"its tensors cover {position} bytes, but {dataLength} follow the header. {(position > dataLength ? "It is cut off: fetch it again" : "Something else is appended")}");
        return new WeightFile(source, [.. entries.Select(one => one.Entry)], metadata, [], [bytes]);
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

    private static (WeightEntry Entry, long Begin, long End) ParseEntry(JsonProperty property, ByteSource bytes, long dataStart, string source)
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
        if (ElementTypes.OfSafeTensors(dtype.GetString()!) is not { } type)
            throw Bad(source, $"tensor '{property.Name}' has the type {dtype.GetString()}; known are {string.Join(", ", ElementTypes.SafeTensorsNames)}");
        if (WeightEntry.ByteCount(shape, ElementTypes.Size(type)) is not { } size)
            throw Bad(source, $"tensor '{property.Name}' claims the impossible shape {WeightEntry.Text(shape)}");
        if (size != offsets[1] - offsets[0])
            throw Bad(source, $"tensor '{property.Name}' of shape {WeightEntry.Text(shape)} and type {dtype.GetString()} needs {size} bytes but has {offsets[1] - offsets[0]}");
        return (new WeightEntry(property.Name, type, shape, WeightEntry.RowMajor(shape), bytes, dataStart + offsets[0]), offsets[0], offsets[1]);
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
