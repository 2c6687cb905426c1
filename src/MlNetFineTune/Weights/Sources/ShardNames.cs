using System.Text.Json;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightSources;

/// <summary>The files that <c>model.safetensors.index.json</c> lists.
/// The names come from outside and are checked before they become file names.</summary>
internal static class ShardNames
{
    public const int MaximumIndexBytes = 16 << 20;

    private const int MaximumShards = 1000;

    /// <returns>File names in ordinal order.</returns>
    /// <exception cref="InvalidDataException">A name could lead out of the folder, or the index is not proper.</exception>
    public static IReadOnlyList<string> Parse(ReadOnlyMemory<byte> index, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(index, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
                throw Bad(source, "it has no weight_map");
            var names = new SortedSet<string>(StringComparer.Ordinal);
            foreach (var tensor in map.EnumerateObject())
            {
                if (tensor.Value.ValueKind != JsonValueKind.String)
                    throw Bad(source, $"the file of tensor {SafeText.Quoted(tensor.Name)} is not a text");
                var name = tensor.Value.GetString()!;
                if (!CacheName.IsSafe(name) || !name.EndsWith(".safetensors", StringComparison.Ordinal))
                    throw Bad(source, $"tensor {SafeText.Quoted(tensor.Name)} is said to be in {SafeText.Quoted(name)}; "
                        + "expected the plain name of a .safetensors file");
                names.Add(name);
            }
            if (names.Count is 0 or > MaximumShards)
                throw Bad(source, $"it lists {names.Count} files; expected 1 to {MaximumShards}");
            if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() < names.Count)
                throw Bad(source, "two of its files differ only in upper and lower case");
            return [.. names];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the second: half a character
        {
            throw new InvalidDataException($"'{source}' is not proper JSON: {SafeText.Message(e)}", e);
        }
    }

    private static InvalidDataException Bad(string source, string what) => new($"'{source}' cannot be used: {what}.");
}
