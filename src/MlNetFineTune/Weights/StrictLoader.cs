using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>Fills a network from a weight file by name. Anything missing, unexpected or of another shape is reported, all at once,
/// before a byte is copied.</summary>
internal static class StrictLoader
{
    /// <param name="file">The open file.</param>
    /// <param name="namedTargets">The network's tensors by their names.</param>
    /// <param name="network">The network's name, for messages.</param>
    /// <param name="mayIgnore">Whether a tensor of the file, in the network's naming, may stay
    /// unused: the old classifier, for example.</param>
    /// <param name="otherNames">Other namings of the same network that the file may use.</param>
    /// <param name="adaptation">From a tensor's name and its shape in the file to a function that converts it to the network's shape
    /// (caller disposes the result); null where there is none.</param>
    /// <param name="hint">Called once if file and network do not fit: gives a sentence on what the file may be.</param>
    /// <returns>Sentences for the log: what was found, stripped, translated, left out.</returns>
    /// <exception cref="InvalidDataException">File and network do not fit.</exception>
    public static IReadOnlyList<string> Load(
        WeightFile file, IReadOnlyList<(string Name, Tensor Tensor)> namedTargets, string network, Func<string, bool> mayIgnore,
        IReadOnlyList<NameMap>? otherNames = null, Func<string, long[], Func<Tensor, Tensor>?>? adaptation = null,
        Func<string?>? hint = null)
    {
        var targets = namedTargets.ToDictionary(target => target.Name, target => target.Tensor, StringComparer.Ordinal);
        var naming = FileNaming.Choose(file.Entries, targets.ContainsKey, otherNames ?? [], targets.Count);
        MismatchReport.ThrowUnlessFits(file, naming,
            targets.ToDictionary(target => target.Key, target => target.Value.shape, StringComparer.Ordinal), network, mayIgnore,
            adaptation, hint);
        var adapted = new List<string>();
        foreach (var (entry, name, part) in naming.Named)
        {
            if (!targets.TryGetValue(name, out var target))
                continue;
            if (part.ShapeIn(target.shape).SequenceEqual(entry.Shape))
            {
                Read(file, entry, target, part);
                continue;
            }
            Adapt(file, entry, target, adaptation!(name, entry.Shape)!);
            if (target.numel() != entry.Shape.Aggregate(1L, (product, size) => product * size))
                adapted.Add($"{entry.Describe()} was adapted to {WeightEntry.Text(target.shape)}, "
                    + "for pictures of another size or other channels.");
        }
        return [.. file.Notes, .. naming.Notes(network), .. adapted];
    }

    private static void Read(WeightFile file, WeightEntry entry, Tensor target, TensorPart part)
    {
        if (part.Count == 1)
        {
            file.Read(entry, target);
            return;
        }
        using var noGradients = no_grad();
        using var rows = part.Of(target);
        file.Read(entry, rows);
    }

    private static void Adapt(WeightFile file, WeightEntry entry, Tensor target, Func<Tensor, Tensor> adaptation)
    {
        using var noGradients = no_grad();
        using var read = empty(entry.Shape, target.dtype);
        file.Read(entry, read);
        using var adapted = adaptation(read);
        target.copy_(adapted);
    }
}
