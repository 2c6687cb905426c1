using System.Text.Json;

namespace MlNetFineTune.Tokenizers;

/// <summary>A value in a <see cref="JsonFile"/>.</summary>
/// <param name="Element">The value.</param>
/// <param name="Source">The file, quoted.</param>
/// <param name="Path">The names that lead to it, with dots.</param>
internal readonly record struct JsonPart(JsonElement Element, string Source, string Path)
{
    /// <returns>Null if there is no such property, or if it is null.</returns>
    public JsonPart? Find(string name) => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null ? new JsonPart(value, Source, Under(name)) : null;

    /// <summary>A property that must be there.</summary>
    public JsonPart Get(string name) => Find(name) ?? throw Bad($"{Under(name)} is", "a value", JsonValueKind.Null);

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
        var element = Element;
        return Read(() => element.GetString()!, Path);
    }

    public int AsNumber() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out var number) ? number
        : throw Bad($"{SafeText.Of(Path)} is", "a whole number", Element.ValueKind);

    public IEnumerable<JsonPart> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
            throw Bad($"{Path} is", "a list", Element.ValueKind);
        var (source, path) = (Source, Path);
        return Element.EnumerateArray().Select((item, i) => new JsonPart(item, source, $"{path}[{i}]"));
    }

    public IEnumerable<(string Name, JsonPart Value)> Properties()
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Bad($"{Path} is", "an object", Element.ValueKind);
        var owner = this;
        var what = Path.Length > 0 ? $"a name in {Path}" : "a name";
        return Element.EnumerateObject().Select(property =>
            (owner.Read(() => property.Name, what), new JsonPart(property.Value, owner.Source, owner.Path)));
    }

    public InvalidDataException Bad(string what, string expected, JsonValueKind found) => Refuse($"{what} {Describe(found)}",
        $"expected {expected}");

    /// <summary>An error about what the file says.</summary>
    public InvalidDataException Refuse(string what, string expected) => new($"{Source} cannot be used: {what}; {expected}.");

    // Half a character, and bytes that are not UTF-8, show only when the text is read.
    private string Read(Func<string> read, string what)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw Refuse($"{what} is not text", $"expected whole characters in UTF-8 ({SafeText.Message(e)})");
        }
    }

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
