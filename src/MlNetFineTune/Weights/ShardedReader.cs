using System.Text.Json;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightFiles;

/// <summary>Reads weights in several files beside an index (<c>model.safetensors.index.json</c>): JSON whose
/// <c>weight_map</c> gives the file of each tensor.</summary>
internal static class ShardedReader
{
    // Real ones have some hundred bytes a tensor.
    private const long MaximumLength = 16 << 20;
    private const int MaximumFiles = 1000;

    /// <param name="path">The index.</param>
    /// <param name="bytes">Content of the index; the caller owns it.</param>
    /// <exception cref="FileNotFoundException">One of the files is missing.</exception>
    /// <exception cref="InvalidDataException">The index, or a file, is damaged, or they contradict each other.</exception>
    public static WeightFile Read(string path, ByteSource bytes)
    {
        var files = ReadIndex(path, bytes);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var parts = new List<WeightFile>();
        try
        {
            foreach (var (file, names) in files)
            {
                var part = WeightFormats.OpenSingle(Path.Combine(folder, file));
                parts.Add(part);
                if (part.Entries.FirstOrDefault(entry => !names.Contains(entry.Name)) is { } extra)
                    throw Bad(path, $"{SafeText.Quoted(file)} has tensor {SafeText.Quoted(extra.Name)}, "
                        + "which the index does not give to it");
                if (names.Except(part.Entries.Select(entry => entry.Name), StringComparer.Ordinal).FirstOrDefault() is { } absent)
                    throw Bad(path, $"{SafeText.Quoted(file)} has no tensor {SafeText.Quoted(absent)}, which the index gives to it");
            }
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (key, value) in parts.SelectMany(part => part.Metadata))
            {
                if (!metadata.TryAdd(key, value) && metadata[key] != value)
                    throw Bad(path, $"its files say {SafeText.Quoted(metadata[key])} and {SafeText.Quoted(value)} of {SafeText.Of(key)}");
            }
            return new WeightFile(path, [.. parts.SelectMany(part => part.Entries)], metadata,
                [$"The weights are in {parts.Count} files.", .. parts.SelectMany(part => part.Notes)], [.. parts]);
        }
        catch
        {
            foreach (var part in parts)
                part.Dispose();
            throw;
        }
    }

    private static SortedDictionary<string, HashSet<string>> ReadIndex(string path, ByteSource bytes)
    {
        if (bytes.Length > MaximumLength)
            throw Bad(path, $"it has {bytes.Length} bytes");
        var text = new byte[bytes.Length];
        bytes.Read(0, text);
        var files = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.EnumerateObject().Count(property => property.NameEquals("weight_map")) > 1)
            {
                throw Bad(path, "it has two weight_map");
            }
            if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                throw Bad(path, "it has no weight_map");
            foreach (var pair in map.EnumerateObject())
            {
                var file = pair.Value.GetString();
                if (string.IsNullOrEmpty(file) || file.AsSpan().IndexOfAny("/\\:") >= 0 || file is "." or ".." || file.Any(char.IsControl))
                    throw Bad(path, $"it looks for tensor {SafeText.Quoted(pair.Name)} in {SafeText.Quoted(file)}; "
                        + "expected the name of a file beside it");
                if (!names.Add(pair.Name))
                    throw Bad(path, $"it names tensor {SafeText.Quoted(pair.Name)} twice");
                if (!files.TryGetValue(file, out var inFile))
                    files[file] = inFile = new HashSet<string>(StringComparer.Ordinal);
                inFile.Add(pair.Name);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Bad(path, $"it is not JSON as expected ({SafeText.Message(e)})");
        }
        return files.Count is > 0 and <= MaximumFiles ? files : throw Bad(path, $"it names {files.Count} files");
    }

    private static InvalidDataException Bad(string source, string what) =>
        new($"'{source}' is not a proper index of weight files: {what}.");
}
