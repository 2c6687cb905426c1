using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// An open file of named tensors, of whatever format. Only its directory is in memory; the numbers are read one
/// tensor at a time, straight into the network's.
/// </summary>
internal sealed class WeightFile(
    string source, IReadOnlyList<WeightEntry> entries, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<string> notes,
    IReadOnlyList<IDisposable> owned) : IDisposable
{
    // Largest buffer, in addition to the network, while numbers are converted or rearranged.
    private const long MaximumPiece = 4 << 20;

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; } = source;

    /// <summary>The tensors, in the order of their bytes where the format has one.</summary>
    public IReadOnlyList<WeightEntry> Entries { get; } = entries;

    /// <summary>Free text by key; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata;

    /// <summary>Sentences for the log on how the weights were found.</summary>
    public IReadOnlyList<string> Notes { get; } = notes;

    /// <summary>Opens a file of any known format, which is recognised by its content.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The format is unknown, the file is damaged,
    /// or it contains what weights do not need.</exception>
    public static WeightFile Open(string path) => WeightFormats.Open(path);

    /// <summary>Copies a tensor's numbers into <paramref name="target"/>, which has its shape, and converts them to its type.</summary>
    /// <exception cref="InvalidDataException">The file ends, although its directory said otherwise.</exception>
    public void Read(WeightEntry entry, Tensor target)
    {
        try
        {
            using var noGradients = no_grad();
            Copy(entry, entry.Offset, target);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException(
                $"'{Source}' ends within tensor {SafeText.Quoted(entry.Name)}: it is cut off. Fetch it again.", e);
        }
    }

    public void Dispose()
    {
        foreach (var one in owned)
            one.Dispose();
    }

    private static void Copy(WeightEntry entry, long offset, Tensor target)
    {
        var shape = target.shape;
        if (target.numel() == 0)
            return;
        var size = ElementTypes.Size(entry.Type);
        var span = 1 + shape.Zip(entry.Strides, (length, stride) => (length - 1) * stride).Sum();
        if (span * size > MaximumPiece && span > 1)
        {
            if (span == target.numel() && span * size <= int.MaxValue && TryReadInPlace(entry, offset, target))
                return;
            // Halves along the dimension with the largest stride occupy different parts of the file, each about half of it.
            var dimension = Enumerable.Range(0, shape.Length).Where(d => shape[d] > 1).MaxBy(d => (entry.Strides[d], shape[d]));
            var half = shape[dimension] / 2;
            using var first = target.narrow(dimension, 0, half);
            using var second = target.narrow(dimension, half, shape[dimension] - half);
            Copy(entry, offset, first);
            Copy(entry, offset + half * entry.Strides[dimension] * size, second);
            return;
        }
        if (TryReadInPlace(entry, offset, target))
            return;
        using var piece = empty([span], entry.Type);
        entry.Bytes.Read(offset, piece.bytes);
        using var view = piece.as_strided(shape, entry.Strides);
        target.copy_(view);
    }

    // Most tensors are what the network has: the same type, row after row, in ordinary memory.
    private static bool TryReadInPlace(WeightEntry entry, long offset, Tensor target)
    {
        if (target.device_type != DeviceType.CPU || target.dtype != entry.Type || !target.is_contiguous()
            || !IsRowMajor(target.shape, entry.Strides))
            return false;
        entry.Bytes.Read(offset, target.bytes);
        return true;
    }

    // The stride of a dimension of size one says nothing.
    private static bool IsRowMajor(long[] shape, long[] strides)
    {
        var expected = WeightEntry.RowMajor(shape);
        return Enumerable.Range(0, shape.Length).All(d => shape[d] == 1 || strides[d] == expected[d]);
    }
}
