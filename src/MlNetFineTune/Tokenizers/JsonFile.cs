using System.Text;
using System.Text.Json;

namespace MlNetFineTune.Tokenizers;

/// <summary>A file of JSON from outside. Errors name the file and the place in it.</summary>
internal sealed class JsonFile : IDisposable
{
    private readonly JsonDocument _document;

    /// <exception cref="InvalidDataException">It is not a JSON object.</exception>
    public JsonFile(ReadOnlyMemory<byte> bytes, string source)
    {
        try
        {
            if (bytes.Span.StartsWith(Encoding.UTF8.Preamble))
                bytes = bytes[Encoding.UTF8.Preamble.Length..];
            _document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the second: half a character
        {
            throw new InvalidDataException(
                $"{source} is not proper JSON: {SafeText.Message(e)} Take the file from the checkpoint again.", e);
        }
        Root = new JsonValue(_document.RootElement, source, "");
        if (_document.RootElement.ValueKind != JsonValueKind.Object)
        {
            _document.Dispose();
            throw Root.Bad("it is", "an object", _document.RootElement.ValueKind);
        }
    }

    public JsonValue Root { get; }

    public void Dispose() => _document.Dispose();
}

/// <summary>A value in a <see cref="JsonFile"/>.</summary>
/// <param name="Element">The value.</param>
/// <param name="Source">The file, quoted.</param>
/// <param name="Path">The names that lead to it, with dots.</param>
internal readonly record struct JsonValue(JsonElement Element, string Source, string Path)
{
    /// <returns>Null if there is no such property, or if it is null.</returns>
    public JsonValue? Find(string name) => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null ? new JsonValue(value, Source, Under(name)) : null;

    /// <summary>A property that must be there.</summary>
    public JsonValue Get(string name) => Find(name) ?? throw Bad($"{Under(name)} is", "a value", JsonValueKind.Null);

    /// <returns>Null if there is no such property, or if it is null.</returns>
    public string? Text(string name) => Find(name)?.AsText();

    /// <returns>Null if there is no such property, or if it is null.</returns>
    public bool? Flag(string name) => Find(name) is not { } value ? null
        : value.Element.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.Element.GetBoolean()
        : throw Bad($"{value.Path} is", "true or false", value.Element.ValueKind);

    /// <returns>Null if there is no such property, or if it is null.</returns>
    public int? Number(string name) => Find(name)?.AsNumber();

    public string AsText()
    {
        if (Element.ValueKind != JsonValueKind.String)
            throw Bad($"{Path} is", "a text", Element.ValueKind);
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Refuse($"{Path} is half a character", $"expected a text ({SafeText.Message(e)})");
        }
    }

    public int AsNumber() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out var number) ? number
        : throw Bad($"{SafeText.Of(Path)} is", "a whole number", Element.ValueKind);

    public IEnumerable<JsonValue> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
            throw Bad($"{Path} is", "a list", Element.ValueKind);
        var (source, path) = (Source, Path);
        return Element.EnumerateArray().Select((item, i) => new JsonValue(item, source, $"{path}[{i}]"));
    }

    public IEnumerable<(string Name, JsonValue Value)> Properties()
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Bad($"{Path} is", "an object", Element.ValueKind);
        var value = this;
        return Element.EnumerateObject().Select(property => (property.Name, new JsonValue(property.Value, value.Source, value.Path)));
    }

    public InvalidDataException Bad(string what, string expected, JsonValueKind found) => Refuse($"{what} {Describe(found)}",
        $"expected {expected}");

    /// <summary>An error about what the file says.</summary>
    public InvalidDataException Refuse(string what, string expected) => new($"{Source} cannot be used: {what}; {expected}.");

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => "missing",
        JsonValueKind.True or JsonValueKind.False => "a truth value",
        JsonValueKind.Number => "a number",
        JsonValueKind.String => "a text",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };

    private string Under(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
