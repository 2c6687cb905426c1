using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>All differences between a file and a network, in one error.</summary>
internal static class MismatchReport
{
    // A wrong network has hundreds of differences; the first ones of each kind are enough.
    private const int MostNamed = 20;

    /// <exception cref="InvalidDataException">File and network differ in names or shapes,
    /// or the choice of a prefix is ambiguous.</exception>
    public static void ThrowUnlessFits(
        WeightFile file, FileNaming naming, IReadOnlyDictionary<string, long[]> targets, string network, Func<string, bool> mayIgnore,
        Func<string, long[], Func<Tensor, Tensor>?>? adaptation, Func<string?>? hint)
    {
        var found = naming.Named.ToLookup(pair => pair.Name, StringComparer.Ordinal);
        var missing = targets.SelectMany(
            target => MissingParts(found[target.Key]),
            (target, part) => $"{target.Key} {WeightEntry.Text(part.ShapeIn(target.Value))}{part}").ToList();
        var unexpected = naming.Named.Where(pair => !targets.ContainsKey(pair.Name) && !mayIgnore(pair.Name))
            .Select(pair => pair.Entry.Describe()).ToList();
        var shapes = naming.Named.Where(pair => targets.TryGetValue(pair.Name, out var shape) && !Fits(pair, shape))
            .Select(pair => $"{pair.Entry.Describe()}, expected {WeightEntry.Text(pair.Part.ShapeIn(targets[pair.Name]))}").ToList();
        var twice = naming.Named.Where(pair => targets.ContainsKey(pair.Name))
            .GroupBy(pair => $"{pair.Name}{pair.Part}").Where(group => group.Skip(1).Any())
            .Select(group => (Tensor: SafeText.Of(group.Key), Names: group.Take(MostNamed).Select(pair => SafeText.Of(pair.Entry.Name))))
            .Select(same => $"{same.Tensor} by {string.Join(" and ", same.Names)}").ToList();
        if (missing.Count + unexpected.Count + shapes.Count + twice.Count == 0)
        {
            if (naming.Rivals.Count > 0)
            {
                var prefixes = Few(naming.Rivals.Prepend(naming.Prefix).Select(prefix => SafeText.Of(prefix)));
                throw new InvalidDataException(
                    $"The weights in '{file.Source}' hold {network} several times, under {prefixes}. "
                    + "In Python save the one that you want: its state_dict() alone.");
            }
            return;
        }

        var report = new StringBuilder($"The weights in '{file.Source}' do not fit {network}.");
        Append(report, "Missing in the file", missing);
        Append(report, "In the file but not in the network", unexpected);
        Append(report, "Of another shape", shapes);
        Append(report, "Named twice", twice);
        foreach (var note in file.Notes.Concat(naming.Notes(network)))
            report.AppendLine().Append(note);
        report.AppendLine().Append(hint?.Invoke() ?? $"Choose the backbone that these weights belong to, or the weights of {network}.");
        throw new InvalidDataException(report.ToString());

        bool Fits(NamedEntry pair, long[] shape) => pair.Part.ShapeIn(shape).SequenceEqual(pair.Entry.Shape)
            || (pair.Part.Count == 1 && CanBeAdapted(pair.Entry, pair.Name, shape));

        // A tensor that is adapted is read in the file's shape. A view that repeats its numbers (expand) could claim any size, so it may
        // have no more numbers than the network's tensor or than it occupies in the file.
        bool CanBeAdapted(WeightEntry entry, string name, long[] shape) =>
            adaptation?.Invoke(name, entry.Shape) is not null
            && WeightEntry.ByteCount(entry.Shape, 1) <= Math.Max(entry.Span, WeightEntry.ByteCount(shape, 1)!.Value);
    }

    /// <summary>The first names of many, made safe for a message.</summary>
    public static string Few(IEnumerable<string> names)
    {
        var few = names.Take(4).Select(name => SafeText.Of(name, 2 * SafeText.NameLength)).ToList();
        return string.Join(", ", few.Take(3)) + (few.Count > 3 ? " ..." : "");
    }

    // A tensor that the file stores in parts is complete when all parts are there; beside some of its parts, the whole is no help.
    private static IEnumerable<TensorPart> MissingParts(IEnumerable<NamedEntry> found)
    {
        var parts = found.Select(pair => pair.Part).Distinct().ToList();
        if (parts.Count == 0)
            return [TensorPart.Whole];
        var count = parts.Max(part => part.Count);
        return Enumerable.Range(0, count).Select(i => new TensorPart(i, count)).Except(parts);
    }

    private static void Append(StringBuilder report, string title, List<string> tensors)
    {
        if (tensors.Count == 0)
            return;
        report.AppendLine()
            .Append(CultureInfo.InvariantCulture, $"{title} ({tensors.Count}): {string.Join("; ", tensors.Take(MostNamed))}");
        report.Append(tensors.Count > MostNamed ? $"; and {tensors.Count - MostNamed} more." : ".");
    }
}
