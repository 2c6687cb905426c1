using System.Diagnostics.CodeAnalysis;

namespace MlNetFineTune.Primitives;

/// <summary>A dictionary that is asked by parts of texts. .NET 8 has to copy each part first.</summary>
internal readonly struct SpanLookup<TValue>(Dictionary<string, TValue> dictionary)
{
#if NET9_0_OR_GREATER
    private readonly Dictionary<string, TValue>.AlternateLookup<ReadOnlySpan<char>> _entries =
        dictionary.GetAlternateLookup<ReadOnlySpan<char>>();

    public bool TryGetValue(ReadOnlySpan<char> key, [MaybeNullWhen(false)] out TValue value) => _entries.TryGetValue(key, out value);
#else
    private readonly Dictionary<string, TValue> _entries = dictionary;

    public bool TryGetValue(ReadOnlySpan<char> key, [MaybeNullWhen(false)] out TValue value) =>
        _entries.TryGetValue(key.ToString(), out value);
#endif
}
