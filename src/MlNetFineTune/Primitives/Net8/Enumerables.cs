namespace System.Linq;

/// <summary>Methods of .NET 9.</summary>
internal static class Enumerables
{
    public static IEnumerable<(int Index, TSource Item)> Index<TSource>(this IEnumerable<TSource> source) =>
        source.Select((item, index) => (index, item));

    /// <summary>In the order of their first occurrence, as in .NET 9.</summary>
    public static IEnumerable<KeyValuePair<TKey, int>> CountBy<TSource, TKey>(
        this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IEqualityComparer<TKey>? keyComparer = null)
        where TKey : notnull => source.GroupBy(keySelector, keyComparer).Select(group => KeyValuePair.Create(group.Key, group.Count()));
}
