using MlNetFineTune.WeightFiles.Pickle;

namespace MlNetFineTune.WeightFiles;

/// <summary>A tensor of the file, and the tensor of the network that it is, or a part of it.</summary>
internal readonly record struct NamedEntry(WeightEntry Entry, string Name, TensorPart Part);

/// <summary>
/// Maps the tensor names of a file to those of a network. Wrappers put a prefix before every name (<c>module.</c> of
/// DataParallel, <c>timm_model.</c> and <c>vit.</c> of transformers, <c>backbone.</c> of a detector), and libraries name the same
/// tensors differently. A prefix is any text, up to a dot, before a name of the network; of all prefixes and namings those are
/// chosen under which most names are the network's.
/// </summary>
internal sealed record FileNaming(string Prefix, NameMap? Map, IReadOnlyList<NamedEntry> Named, IReadOnlyList<WeightEntry> Outside)
{
    // Names in real files stay far below both. Longer names are compared without prefixes,
    // so that a hostile file takes no more time than another of its length.
    private const int LongestName = 256;
    private const int MostParts = 24;

    // Most parts of a prefix: no nested wrappers are deeper.
    private const int DeepestPrefix = 10;

    /// <summary>Other prefixes under which the file contains equally many of the network's names,
    /// so that the choice is ambiguous.</summary>
    public IReadOnlyList<string> Rivals { get; private init; } = [];

    /// <summary>Looks at each name once, whatever the number of prefixes.</summary>
    /// <param name="entries">The file's tensors.</param>
    /// <param name="isKnown">Whether the network has a tensor of this name.</param>
    /// <param name="otherNames">Namings to try besides the network's own, which is preferred among equals.</param>
    /// <param name="tensors">
    /// Number of the network's tensors. A prefix before few of its names is a coincidence (many networks have a <c>bn1.weight</c>
    /// somewhere): then the common prefix of all names is taken.
    /// </param>
    public static FileNaming Choose(
        IReadOnlyList<WeightEntry> entries, Func<string, bool> isKnown, IReadOnlyList<NameMap> otherNames, int tensors = 1)
    {
        var matches = new Dictionary<(string Prefix, int Map), int>();
        foreach (var entry in entries)
        {
            foreach (var start in Starts(entry.Name))
            {
                var rest = entry.Name[start..];
                for (var map = -1; map < otherNames.Count; map++)
                {
                    if (isKnown(map < 0 ? rest : otherNames[map].ToOurs(rest)))
                        matches[(entry.Name[..start], map)] = matches.GetValueOrDefault((entry.Name[..start], map)) + 1;
                }
            }
        }
        var most = matches.Values.DefaultIfEmpty(0).Max();
        if (most == 0 || 2 * most < tensors)
        {
            var common = CommonPrefix(entries);
            most = matches.Where(match => match.Key.Prefix == common).Select(match => match.Value).DefaultIfEmpty(0).Max();
            matches = matches.Where(match => match.Key.Prefix == common).ToDictionary();
            if (most == 0)
                return Of(entries, common, null);
        }
        var best = matches.Where(match => match.Value == most).Select(match => match.Key)
            .OrderBy(match => IsAverage(match.Prefix) ? 0 : 1)
            .ThenBy(match => match.Prefix.Length).ThenBy(match => match.Prefix, StringComparer.Ordinal).ThenBy(match => match.Map).ToList();
        var (prefix, chosen) = best[0];
        var others = best.Select(match => match.Prefix).Distinct().Where(other => !other.StartsWith(prefix, StringComparison.Ordinal));
        return Of(entries, prefix, chosen < 0 ? null : otherNames[chosen]) with { Rivals = IsAverage(prefix) ? [] : [.. others] };
    }

    /// <summary>Sentences for the log on prefix and naming.</summary>
    public IEnumerable<string> Notes(string network)
    {
        if (Prefix.Length > 0)
            yield return $"The prefix {SafeText.Quoted(Prefix, LongestName)} was taken off the names of the tensors.";
        if (Map is not null)
            yield return $"The names of the tensors are {Map.Naming}'s and were translated to those of {network}.";
        if (Outside.Count > 0)
        {
            yield return $"{Outside.Count} tensors without the prefix belong to other parts of a larger model and were left out: "
                + $"{MismatchReport.Few(Outside.Select(entry => SafeText.Of(entry.Name)))}.";
        }
    }

    private static FileNaming Of(IReadOnlyList<WeightEntry> entries, string prefix, NameMap? map)
    {
        var inside = entries.ToLookup(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal));
        return new(prefix, map, [.. inside[true].Select(entry => Translated(entry, entry.Name[prefix.Length..]))], [.. inside[false]]);

        NamedEntry Translated(WeightEntry entry, string name) => map is null || name.Length > LongestName
            ? new(entry, name, TensorPart.Whole)
            : new(entry, map.ToOurs(name), map.PartOf(name));
    }

    // Positions at which, after a prefix, a name of the network may begin.
    private static IEnumerable<int> Starts(string name)
    {
        if (name.Length > LongestName || name.AsSpan().Count('.') >= MostParts)
            yield break;
        yield return 0;
        var start = 0;
        for (var part = 0; part < DeepestPrefix; part++)
        {
            start = name.IndexOf('.', start) + 1;
            if (start == 0 || start == name.Length)
                yield break;
            yield return start;
        }
    }

    // The common prefix of all names, up to a dot.
    private static string CommonPrefix(IReadOnlyList<WeightEntry> entries)
    {
        var common = entries.Count == 0 ? "" : entries[0].Name;
        foreach (var entry in entries)
            common = common[..common.AsSpan().CommonPrefixLength(entry.Name)];
        return common[..(common.LastIndexOf('.') + 1)];
    }

    // Averaged weights (EMA) are preferred, as in StateDictionary; in self-distillation they are the teacher's.
    private static bool IsAverage(string prefix) =>
        prefix.Split('.', '_').Any(word => word is "ema" or "teacher");
}
