using System.Text.Json;

namespace MlNetFineTune.Primitives;

/// <summary>
/// The differences between two fingerprints, for a message: each value with its path, such as
/// <c>Plan[0].LearningRateScales.conv1.weight was 1 and is 0.5</c>.
/// </summary>
internal static class FingerprintDifference
{
    private const int Shown = 6;
    private const int LongestValue = 200;

    /// <returns>Null if they are equal.</returns>
    public static string? Of(IReadOnlyDictionary<string, JsonElement> there, IReadOnlyDictionary<string, JsonElement> here)
    {
        var all = there.Keys.Union(here.Keys).Order(StringComparer.Ordinal)
            .SelectMany(name => Of(name, Find(there, name), Find(here, name))).ToList();
        return all.Count == 0 ? null
            : string.Join("; ", all.Take(Shown))
                + (all.Count > Shown ? FormattableString.Invariant($"; and {all.Count - Shown} more") : "");
    }

    private static IEnumerable<string> Of(string path, JsonElement? there, JsonElement? here)
    {
        if (there is not { } one || here is not { } other)
            return [$"{path} was {Bounded(there)} and is {Bounded(here)}"];
        if (JsonElement.DeepEquals(one, other))
            return [];
        return (one.ValueKind, other.ValueKind) switch
        {
            (JsonValueKind.Object, JsonValueKind.Object) when TypeOf(one) == TypeOf(other) =>
                NamesOf(one).Union(NamesOf(other)).SelectMany(name => Of($"{path}.{name}", Find(one, name), Find(other, name))),
            (JsonValueKind.Array, JsonValueKind.Array) when one.GetArrayLength() == other.GetArrayLength() =>
                one.EnumerateArray().Zip(other.EnumerateArray())
                    .SelectMany((pair, index) => Of(FormattableString.Invariant($"{path}[{index}]"), pair.First, pair.Second)),
            _ => [$"{path} was {Bounded(one)} and is {Bounded(other)}"],
        };
    }

    private static JsonElement? Find(IReadOnlyDictionary<string, JsonElement> fingerprint, string name) =>
        fingerprint.TryGetValue(name, out var value) ? value : null;

    private static JsonElement? Find(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value : null;

    private static IEnumerable<string> NamesOf(JsonElement element) => element.EnumerateObject().Select(property => property.Name);

    private static string? TypeOf(JsonElement element) =>
        Find(element, CanonicalJson.Type) is { ValueKind: JsonValueKind.String } type ? type.GetString() : null;

    private static string Bounded(JsonElement? value)
    {
        var text = value is { } known ? Show(known) : "unknown";
        return text.Length > LongestValue ? text[..LongestValue] + "..." : text;
    }

    // As C# would say it: ExponentialAveraging(Decay: 0.999).
    private static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => ShowObject(TypeOf(value) ?? "", NamesOf(value).Where(name => name != CanonicalJson.Type)
            .Select(name => $"{name}: {Show(value.GetProperty(name))}").ToList()),
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Show))}]",
        JsonValueKind.Null => "none",
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };

    private static string ShowObject(string type, List<string> state) =>
        type.Length > 0 && state.Count == 0 ? type : $"{type}({string.Join(", ", state)})";
}
