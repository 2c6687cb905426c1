using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>Fills a network from a weight file by name. Anything missing, unexpected or of another shape is reported, all at once, before a byte is copied.</summary>
internal static class StrictLoader
{
    /// <param name="stream">Where <paramref name="header"/> left it: at the first tensor's bytes.</param>
    /// <param name="header">The file's header.</param>
    /// <param name="namedTargets">The network's tensors by their names.</param>
    /// <param name="network">The network's name, for messages.</param>
    /// <param name="mayIgnore">Whether a tensor of the file may stay unused, such as the old classifier.</param>
    /// <exception cref="InvalidDataException">File and network do not fit.</exception>
    public static void Load(Stream stream, SafeTensorsHeader header, IReadOnlyList<(string Name, Tensor Tensor)> namedTargets, string network, Func<string, bool> mayIgnore)
    {
        var targets = namedTargets.ToDictionary(target => target.Name, target => target.Tensor, StringComparer.Ordinal);
        Check(header, targets, network, mayIgnore);
        using var noGradients = no_grad();
        foreach (var entry in header.Entries)
        {
            if (!targets.TryGetValue(entry.Name, out var target))
            {
                Skip(stream, entry.End - entry.Begin);
                continue;
            }
            using var read = empty(entry.Shape, entry.Type);
            stream.ReadExactly(read.bytes);
            target.copy_(read);
        }
    }

    private static void Check(SafeTensorsHeader header, Dictionary<string, Tensor> targets, string network, Func<string, bool> mayIgnore)
    {
        var found = header.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        var missing = targets.Where(target => !found.ContainsKey(target.Key))
            .Select(target => $"{target.Key} [{string.Join(", ", target.Value.shape)}]").ToList();
        var unexpected = header.Entries.Where(entry => !targets.ContainsKey(entry.Name) && !mayIgnore(entry.Name))
            .Select(entry => entry.Describe()).ToList();
        var shapes = header.Entries.Where(entry => targets.TryGetValue(entry.Name, out var target) && !target.shape.SequenceEqual(entry.Shape))
            .Select(entry => $"{entry.Describe()}, expected [{string.Join(", ", targets[entry.Name].shape)}]").ToList();
        if (missing.Count + unexpected.Count + shapes.Count == 0)
            return;

        var report = new StringBuilder($"The weights in '{header.Source}' do not fit {network}.");
        Append(report, "Missing in the file", missing);
        Append(report, "In the file but not in the network", unexpected);
        Append(report, "Of another shape", shapes);
        report.AppendLine().Append($"Choose the backbone that these weights belong to, or the weights of {network}.");
        throw new InvalidDataException(report.ToString());
    }

    private static void Append(StringBuilder report, string title, List<string> tensors)
    {
        if (tensors.Count > 0)
            report.AppendLine().Append($"{title} ({tensors.Count}): {string.Join("; ", tensors)}.");
    }

    private static void Skip(Stream stream, long bytes)
    {
        if (stream.CanSeek)
        {
            stream.Seek(bytes, SeekOrigin.Current);
            return;
        }
        var buffer = new byte[81920];
        while (bytes > 0)
        {
            var count = (int)Math.Min(bytes, buffer.Length);
            stream.ReadExactly(buffer, 0, count);
            bytes -= count;
        }
    }
}
