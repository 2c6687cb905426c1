using MlNetFineTune.Backbones;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// How a file's tensor names become a network's. Wrappers put a prefix before every name (<c>module.</c> of DataParallel, <c>_orig_mod.</c> of
/// torch.compile, <c>backbone.</c> of a detector), and libraries name the same tensors differently. Of all combinations the one is taken
/// under which most names are the network's.
/// </summary>
internal sealed record FileNaming(string Prefix, NameMap? Map, IReadOnlyList<(WeightEntry Entry, string Name)> Named, IReadOnlyList<WeightEntry> Outside)
{
    // A name that begins with one of these is tried without it as well; several may follow one another.
    private static readonly string[] s_prefixes = ["module.", "_orig_mod.", "model.", "backbone.", "encoder.", "network.", "net.", "teacher.", "student."];
    private const int MaximumDepth = 4;

    /// <param name="entries">The file's tensors.</param>
    /// <param name="isKnown">Whether the network has a tensor of this name.</param>
    /// <param name="otherNames">Namings to try beside the network's own, which wins a draw.</param>
    public static FileNaming Choose(IReadOnlyList<WeightEntry> entries, Func<string, bool> isKnown, IReadOnlyList<NameMap> otherNames)
    {
        var best = Of(entries, "", null);
        var matches = best.Named.Count(pair => isKnown(pair.Name));
        foreach (var prefix in Prefixes(entries))
        {
            foreach (var map in new NameMap?[] { null }.Concat(otherNames))
            {
                var candidate = Of(entries, prefix, map);
                var count = candidate.Named.Count(pair => isKnown(pair.Name));
                if (count > matches)
                    (best, matches) = (candidate, count);
            }
        }
        return best;
    }

    /// <summary>What a user should know of it.</summary>
    public IEnumerable<string> Notes(string network)
    {
        if (Prefix.Length > 0)
            yield return $"The prefix '{Prefix}' was taken off the names of the tensors.";
        if (Map is not null)
            yield return $"The names of the tensors are {Map.Naming}'s and were translated to those of {network}.";
        if (Outside.Count > 0)
            yield return $"{Outside.Count} tensors without the prefix belong to other parts of a larger model and were left out: {FitReport.Few(Outside.Select(entry => entry.Name))}.";
    }

    private static FileNaming Of(IReadOnlyList<WeightEntry> entries, string prefix, NameMap? map)
    {
        var inside = entries.ToLookup(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal));
        return new(prefix, map, [.. inside[true].Select(entry => (entry, Translated(entry.Name[prefix.Length..])))], [.. inside[false]]);

        string Translated(string name) => map is null ? name : map.ToOurs(name);
    }

    // Shorter ones first, so that of equals the shortest is taken.
    private static IEnumerable<string> Prefixes(IReadOnlyList<WeightEntry> entries)
    {
        var found = new SortedSet<string>(Comparer<string>.Create((a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b))) { "" };
        foreach (var entry in entries)
        {
            var length = 0;
            for (var depth = 0; depth < MaximumDepth; depth++)
            {
                var rest = entry.Name.AsSpan(length);
                var known = Array.Find(s_prefixes, prefix => entry.Name.AsSpan(length).StartsWith(prefix, StringComparison.Ordinal));
                if (known is null || rest.Length == known.Length)
                    break;
                length += known.Length;
                found.Add(entry.Name[..length]);
            }
        }
        return found;
    }
}
