using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>Everything that does not fit between a file and a network, in one error.</summary>
internal static class FitReport
{
    // A wrong network has hundreds of differences; the first of each kind show which.
    private const int MostNamed = 20;

    /// <exception cref="InvalidDataException">Something does not fit.</exception>
    public static void ThrowUnlessFits(
        WeightFile file, FileNaming naming, IReadOnlyDictionary<string, long[]> targets, string network, Func<string, bool> mayIgnore,
        Func<string, long[], Func<Tensor, Tensor>?>? adaptation, Func<string?>? hint)
    {
        var found = naming.Named.ToLookup(pair => pair.Name, pair => pair.Entry, StringComparer.Ordinal);
        var missing = targets.Where(target => !found.Contains(target.Key)).Select(target => $"{target.Key} {WeightEntry.Text(target.Value)}").ToList();
        var unexpected = naming.Named.Where(pair => !targets.ContainsKey(pair.Name) && !mayIgnore(pair.Name)).Select(pair => pair.Entry.Describe()).ToList();
        var shapes = naming.Named.Where(pair => targets.TryGetValue(pair.Name, out var shape) && !shape.SequenceEqual(pair.Entry.Shape) && adaptation?.Invoke(pair.Name, pair.Entry.Shape) is null)
            .Select(pair => $"{pair.Entry.Describe()}, expected {WeightEntry.Text(targets[pair.Name])}").ToList();
        var twice = found.Where(group => targets.ContainsKey(group.Key) && group.Skip(1).Any())
            .Select(group => $"{group.Key} by {string.Join(" and ", group.Select(entry => entry.Name))}").ToList();
        if (missing.Count + unexpected.Count + shapes.Count + twice.Count == 0)
            return;

        var report = new StringBuilder($"The weights in '{file.Source}' do not fit {network}.");
        Append(report, "Missing in the file", missing);
        Append(report, "In the file but not in the network", unexpected);
        Append(report, "Of another shape", shapes);
        Append(report, "Named twice", twice);
        foreach (var note in file.Notes.Concat(naming.Notes(network)))
            report.AppendLine().Append(note);
        report.AppendLine().Append(hint?.Invoke() ?? $"Choose the backbone that these weights belong to, or the weights of {network}.");
        throw new InvalidDataException(report.ToString());
    }

    /// <summary>The first of many names.</summary>
    public static string Few(IEnumerable<string> names)
    {
        var few = names.Take(4).ToList();
        return string.Join(", ", few.Take(3)) + (few.Count > 3 ? " ..." : "");
    }

    private static void Append(StringBuilder report, string title, List<string> tensors)
    {
        if (tensors.Count == 0)
            return;
        report.AppendLine().Append(CultureInfo.InvariantCulture, $"{title} ({tensors.Count}): {string.Join("; ", tensors.Take(MostNamed))}");
        report.Append(tensors.Count > MostNamed ? $"; and {tensors.Count - MostNamed} more." : ".");
    }
}
