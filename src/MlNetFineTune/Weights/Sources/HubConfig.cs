using System.Globalization;
using System.Text.Json;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// The <c>config.json</c> of a hub repository in timm's or transformers' layout: which network it is, and its preprocessing.
/// </summary>
/// <param name="Source">File or address that it was read from, for messages.</param>
/// <param name="Architecture">timm's name of the network; null in transformers' layout.</param>
/// <param name="Metadata">The recipe, in the keys of a safetensors file's metadata.</param>
internal sealed record HubConfig(string Source, string? Architecture, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>transformers' name of the kind of network; null in timm's layout.</summary>
    public string? ModelType { get; init; }

    /// <summary>Sentences for the log.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public const string FileName = "config.json";

    public const int MaximumBytes = 4 << 20;

    /// <param name="json">The content of <c>config.json</c>.</param>
    /// <param name="source">File or address that it was read from, for messages.</param>
    /// <param name="processor">
    /// The content of <c>preprocessor_config.json</c>, which only transformers' layout has; null where there is none.
    /// </param>
    /// <exception cref="InvalidDataException">It is neither timm's nor transformers', or contradicts what networks here can do.</exception>
    public static HubConfig Parse(ReadOnlyMemory<byte> json, string source, ReadOnlyMemory<byte>? processor = null)
    {
        try
        {
            var proper = new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(json, proper);
            using var pictures = processor is { } bytes ? JsonDocument.Parse(bytes, proper) : null;
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Bad(source, "it is no JSON object");
            // Older files have everything at the top.
            var pretrained = root.TryGetProperty("pretrained_cfg", out var nested) && nested.ValueKind == JsonValueKind.Object
                ? nested
                : root;
            if ((Text(root, "architecture") ?? Text(pretrained, "architecture")) is not { } architecture)
            {
                return Text(root, "model_type") is null
                    ? throw Bad(source, "it names no architecture, as timm's do, and no model_type, as transformers' do")
                    : TransformersConfig.Parse(root, pictures?.RootElement ?? default, source);
            }
            return new HubConfig(source, architecture.Split('.')[0], ReadMetadata(pretrained, source)); // without the name of the training
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the second: half a character
        {
            var beside = processor is null ? "" : $", or the {TransformersConfig.ProcessorFileName} beside it,";
            throw new InvalidDataException($"'{source}'{beside} is not proper JSON: {SafeText.Message(e)}", e);
        }
    }

    private static Dictionary<string, string> ReadMetadata(JsonElement config, string source)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Numbers(config, "input_size", source) is { } size)
        {
            if (size.Length != 3 || size[0] != "3" || size[1] != size[2])
            {
                var advice = size.Length == 3 && size[1] == size[2]
                    ? $". Load its file by Backbone.WithWeights(path) with {{ InputChannels = {SafeText.Of(size[0])} }}"
                    : "";
                throw Bad(source, $"its input_size is [{SafeText.Of(string.Join(", ", size))}]; "
                    + $"expected three channels and a square, such as [3, 224, 224]{advice}");
            }
            metadata["input_size"] = size[1];
        }
        foreach (var key in (string[])["mean", "std"])
        {
            if (Numbers(config, key, source) is { } numbers)
                metadata[key] = string.Join(",", numbers);
        }
        if (Text(config, "interpolation") is { Length: > 0 } interpolation)
            metadata["interpolation"] = interpolation;
        if (config.TryGetProperty("crop_pct", out var crop) && crop.ValueKind == JsonValueKind.Number)
            metadata["crop_pct"] = crop.GetDouble().ToString(CultureInfo.InvariantCulture);
        return metadata;
    }

    internal static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : null;

    private static string[]? Numbers(JsonElement element, string name, string source)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 8
            || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
            throw Bad(source, $"its {name} is not a short list of numbers");
        return [.. value.EnumerateArray().Select(item => item.GetRawText())];
    }

    internal static InvalidDataException Bad(string source, string what) => new($"'{source}' cannot be used: {what}.");
}
