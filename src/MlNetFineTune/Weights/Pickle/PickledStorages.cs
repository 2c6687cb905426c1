namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>Reads PyTorch's persistent ids (torch/serialization.py): ('storage', class, key, device, count), in old files with a view (key,
/// offset, count) after it.</summary>
internal sealed class PickledStorages(string source)
{
    private readonly Dictionary<string, PickledStorage> _byKey = new(StringComparer.Ordinal);

    /// <summary>All storages that the pickle refers to.</summary>
    public IReadOnlyDictionary<string, PickledStorage> ByKey => _byKey;

    /// <exception cref="InvalidDataException">The id is of no known form.</exception>
    public object Resolve(PickledTuple id, long at)
    {
        if (id.Items is ["module", PickledName module, ..])
            return module; // With the source code of a class, in old files.
        if (id.Items is not ["storage", PickledName { Name: var name } type, var keyValue, _, long count, ..]
            || Key(keyValue) is not { } key || count < 0)
            throw Bad(at, "it refers to a storage in an unknown way");

        var typeName = name[(name.LastIndexOf('.') + 1)..];
        var isUntyped = typeName is "UntypedStorage" or "_UntypedStorage";
        var elementType = ElementTypes.OfStorage(typeName);
        if (!name.StartsWith("torch.", StringComparison.Ordinal) || (elementType is null && !isUntyped))
            return PickledCalls.Unknown(type);
        var size = elementType is { } known ? ElementTypes.Size(known) : 1;
        if (WeightEntry.ByteCount([count], size) is not { } length)
            throw Bad(at, $"storage {SafeText.Quoted(key)} claims {count} numbers");
        var whole = new PickledStorage(key, elementType, length, 0, length);
        if (!_byKey.TryAdd(key, whole) && _byKey[key] != whole)
            throw Bad(at, $"storage {SafeText.Quoted(key)} is of two kinds or lengths");
        if (id.Items.Count < 6 || id.Items[5] is null)
            return whole;

        if (id.Items[5] is not PickledTuple { Items: [_, long offset, long viewCount] } || offset < 0 || viewCount < 0
            || (Int128)offset + viewCount > count)
            throw Bad(at, $"a view of storage {SafeText.Quoted(key)} reaches out of it");
        return whole with { Start = offset * size, End = (offset + viewCount) * size };
    }

    public static string? Key(object? value) => value switch
    {
        string text => text,
        long number => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    };

    private InvalidDataException Bad(long at, string what) => new($"'{source}': its pickle is refused at byte {at}: {what}.");
}
