using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlNetFineTune.Primitives;

/// <summary>
/// Options as JSON that is the same for equal options, in every process and every culture: what checkpoints and caches compare. A
/// record is an object with its type and all its state, read from its fields, so that none can be forgotten;
/// <see cref="NotInFingerprintAttribute"/> excludes one. <c>ToString</c> is not used.
/// </summary>
internal static class CanonicalJson
{
    /// <summary>The name under which an object has its type.</summary>
    public const string Type = "type";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static string Of(object? value) => NodeOf(value)?.ToJsonString() ?? "null";

    public static JsonElement ElementOf(object? value) => JsonSerializer.SerializeToElement(NodeOf(value));

    /// <summary>The state of a record by name, in the order of the names, without its type.</summary>
    public static IEnumerable<(string Name, object? Value)> StateOf(object record) => Hierarchy(record.GetType())
        .SelectMany(type => type.GetFields(Declared).Where(field => !IsLeftOut(type, field)))
        .Select(field => (Name: NameOf(field), Value: field.GetValue(record)))
        .OrderBy(state => state.Name, StringComparer.Ordinal);

    private static JsonNode? NodeOf(object? value) => value switch
    {
        null => null,
        JsonElement element => Sorted(element),
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        int or long or byte => JsonValue.Create(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        float number => float.IsFinite(number) ? JsonValue.Create(number) : JsonValue.Create(FormattableString.Invariant($"{number}")),
        double number => double.IsFinite(number) ? JsonValue.Create(number) : JsonValue.Create(FormattableString.Invariant($"{number}")),
        Enum choice => JsonValue.Create(Enum.GetName(choice.GetType(), choice)),
        TimeSpan time => JsonValue.Create(time.ToString("c", CultureInfo.InvariantCulture)),
        IFingerprinted other => NodeOf(other.Fingerprint),
        IDictionary entries => new JsonObject(
            entries.Keys.Cast<string>().Order(StringComparer.Ordinal).Select(key => KeyValuePair.Create(key, NodeOf(entries[key])))),
        Array or IReadOnlyList<object> or IReadOnlyList<long> or IReadOnlyList<float> =>
            new JsonArray([.. ((IEnumerable)value).Cast<object?>().Select(NodeOf)]),
        _ when IsRecord(value.GetType()) => RecordOf(value),
        _ => throw new NotSupportedException(
            $"A fingerprint cannot hold {value.GetType()}: say in {nameof(CanonicalJson)} what it is, or leave it out with "
            + $"{nameof(NotInFingerprintAttribute)} and hash what stands for it."),
    };

    private static JsonObject RecordOf(object record) => new(StateOf(record)
        .Select(state => KeyValuePair.Create(state.Name, NodeOf(state.Value)))
        .Prepend(KeyValuePair.Create<string, JsonNode?>(Type, JsonValue.Create(record.GetType().Name))));

    // Settings of a user's class, whatever the order of its properties.
    private static JsonNode? Sorted(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject(element.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal)
            .Select(property => KeyValuePair.Create(property.Name, Sorted(property.Value)))),
        JsonValueKind.Array => new JsonArray([.. element.EnumerateArray().Select(Sorted)]),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(element),
    };

    private static IEnumerable<Type> Hierarchy(Type type) =>
        type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? Hierarchy(parent).Append(type) : [type];

    // Only types of this library: those of others could contain anything.
    private static bool IsRecord(Type type) =>
        type.Assembly == typeof(CanonicalJson).Assembly && type.GetMethod("PrintMembers", Declared) is not null;

    private static bool IsLeftOut(Type type, FieldInfo field) =>
        (IsOfProperty(field) ? type.GetProperty(NameOf(field), Declared) : (MemberInfo)field)!.IsDefined(typeof(NotInFingerprintAttribute));

    private static bool IsOfProperty(FieldInfo field) => field.Name[0] == '<';

    // <Name>k__BackingField, _name
    private static string NameOf(FieldInfo field) =>
        IsOfProperty(field) ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name.TrimStart('_');
}
