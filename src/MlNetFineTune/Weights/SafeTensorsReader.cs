using System.Buffers.Binary;
using System.Text.Json;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Reads a safetensors file (https://github.com/huggingface/safetensors, "Format"): eight bytes of length, then JSON with a type, a
/// shape and a byte range for each tensor. The file is untrusted: every number is checked before memory is taken.
/// </summary>
internal static class SafeTensorsReader
{
    // The reference implementation's own limit; a real header has some hundred bytes a tensor.
    private const long MaximumLength = 100_000_000;

    // Bytes; the longest of real networks have a hundred.
    private const int MaximumNameLength = 4096;

    /// <summary>Whether a file begins as a safetensors file does: a possible length, and a JSON object.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> start) => start.Length >= 9 && start[8] == '{'
        && BinaryPrimitives.ReadUInt64LittleEndian(start) <= MaximumLength;

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
            throw Bad(source, $"its first 8 bytes announce a header of {headerLength} bytes in a file of {bytes.Length} bytes. "
                + "It is another format, or cut off");

        var header = new byte[headerLength];
        bytes.Read(8, header);
        try
        {
            return Parse(new Utf8JsonReader(header), bytes, 8 + (long)headerLength, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Invalid Unicode is reported only when the text is read, as an InvalidOperationException.
            throw Bad(source, $"its header is not JSON ({SafeText.Message(e)})");
        }
    }

    // One token after another: a document in memory would take a dozen bytes for each byte of a header of short numbers.
    private static WeightFile Parse(Utf8JsonReader json, ByteSource bytes, long dataStart, string source)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw Bad(source, "its header is not a JSON object");
        var entries = new List<(WeightEntry Entry, long Begin, long End)>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal); // of one entry after another
        while (NextKey(ref json, source) is { } name)
        {
            if (!names.Add(name))
                throw Bad(source, $"its header names {SafeText.Quoted(name)} twice");
            json.Read();
            if (name == "__metadata__")
                ReadMetadata(ref json, metadata, source);
            else
                entries.Add(ParseEntry(ref json, name, keys, bytes, dataStart, source));
        }
        json.Read(); // nothing may follow

        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long position = 0;
        foreach (var (entry, begin, end) in entries)
        {
            if (begin != position)
                throw Bad(source, $"tensor {SafeText.Quoted(entry.Name)} begins at byte {begin}, expected {position}");
            position = end;
        }
        var dataLength = bytes.Length - dataStart;
        if (position != dataLength)
            throw Bad(source, $"its tensors cover {position} bytes, but {dataLength} follow the header. "
                + $"{(position > dataLength ? "It is cut off: fetch it again" : "Something else is appended")}");
        return new WeightFile(source, [.. entries.Select(one => one.Entry)], metadata, [], [bytes]);
    }

    /// <summary>Null at the end of the object.</summary>
    private static string? NextKey(ref Utf8JsonReader json, string source)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.EndObject)
            return null;
        if (json.ValueSpan.Length > MaximumNameLength)
            throw Bad(source, $"its header has a name of {json.ValueSpan.Length} bytes");
        return json.GetString()!;
    }

    private static void ReadMetadata(ref Utf8JsonReader json, Dictionary<string, string> metadata, string source)
    {
        if (json.TokenType != JsonTokenType.StartObject)
            throw Bad(source, "its __metadata__ is not an object");
        while (NextKey(ref json, source) is { } key)
        {
            json.Read();
            if (json.TokenType != JsonTokenType.String)
                throw Bad(source, $"its __metadata__ entry {SafeText.Quoted(key)} is not a text");
            if (!metadata.TryAdd(key, json.GetString()!))
                throw Bad(source, $"its __metadata__ names {SafeText.Quoted(key)} twice");
        }
    }

    private static (WeightEntry Entry, long Begin, long End) ParseEntry(
        ref Utf8JsonReader json, string name, HashSet<string> keys, ByteSource bytes, long dataStart, string source)
    {
        if (json.TokenType != JsonTokenType.StartObject)
            throw Improper();
        keys.Clear();
        string? typeName = null;
        long[]? shape = null, offsets = null;
        while (NextKey(ref json, source) is { } key)
        {
            if (!keys.Add(key))
                throw Bad(source, $"the entry of tensor {SafeText.Quoted(name)} has {SafeText.Quoted(key)} twice");
            json.Read();
            switch (key)
            {
                case "dtype" when json.TokenType == JsonTokenType.String:
                    typeName = json.GetString();
                    break;
                case "shape":
                    shape = ReadSizes(ref json, WeightEntry.MaximumDimensions) ?? throw Improper();
                    break;
                case "data_offsets":
                    offsets = ReadSizes(ref json, 2) ?? throw Improper();
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        if (typeName is null || shape is null || offsets is not [var begin, var end] || begin > end)
            throw Improper();
        if (ElementTypes.OfSafeTensors(typeName) is not { } type)
            throw Bad(source, $"tensor {SafeText.Quoted(name)} has the type {SafeText.Of(typeName)}; "
                + $"known are {string.Join(", ", ElementTypes.SafeTensorsNames)}");
        if (WeightEntry.ByteCount(shape, ElementTypes.Size(type)) is not { } size)
            throw Bad(source, $"tensor {SafeText.Quoted(name)} claims the impossible shape {WeightEntry.Text(shape)}");
        if (size != end - begin)
            throw Bad(source, $"tensor {SafeText.Quoted(name)} of shape {WeightEntry.Text(shape)} and type {typeName} "
                + $"needs {size} bytes but has {end - begin}");
        return (new WeightEntry(name, type, shape, WeightEntry.RowMajor(shape), bytes, dataStart + begin), begin, end);

        InvalidDataException Improper()
        {
            var shapes = $"shape (of at most {WeightEntry.MaximumDimensions} dimensions)";
            return Bad(source, $"the entry of tensor {SafeText.Quoted(name)} lacks a proper dtype, {shapes} or data_offsets");
        }
    }

    /// <summary>Null where it is no list of so few sizes.</summary>
    private static long[]? ReadSizes(ref Utf8JsonReader json, int most)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            return null;
        var sizes = new List<long>(4);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (sizes.Count == most || json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var size) || size < 0)
                return null;
            sizes.Add(size);
        }
        return [.. sizes];
    }

    private static InvalidDataException Bad(string source, string what) => new($"'{source}' is not a proper safetensors file: {what}.");
}
