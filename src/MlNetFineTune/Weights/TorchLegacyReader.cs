using System.Numerics;
using MlNetFineTune.WeightFiles.Pickle;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Reads what <c>torch.save</c> wrote before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>): pickles of a magic number, the
/// protocol's version, the machine and the object, then one of the storages' keys, and for each its count (8 bytes) and its numbers,
/// little-endian on every machine.
/// </summary>
internal static class TorchLegacyReader
{
    private const long ProtocolVersion = 1001;
    // 0x1950a86a20f9469cfc6c
    private static readonly BigInteger s_magic = BigInteger.Parse(
        "119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);

    /// <param name="bytes">The file. The result owns it.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">The file is damaged, was not written by torch.save,
    /// or contains refused pickle instructions.</exception>
    public static WeightFile Read(ByteSource bytes, string source)
    {
        var input = new BufferedBytes(bytes, 0);
        var storages = new PickledStorages(source);
        if (Next() is not BigInteger magic || magic != s_magic)
            throw new InvalidDataException(
                $"'{source}' is a Python pickle, but not of torch.save: it does not begin with PyTorch's magic number.");
        if (Next() is not ProtocolVersion)
            throw new InvalidDataException($"'{source}' is of an unknown version of torch.save; {ProtocolVersion} is read.");
        Next(); // The machine: its integers and byte order say nothing about the numbers that follow.
        var root = new PickleReader(source, input, storages.Resolve).Read();
        if (Next() is not PickledList { Items: var keys })
            throw new InvalidDataException($"'{source}': the list of its storages is missing.");

        var starts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var item in keys)
        {
            if (PickledStorages.Key(item) is not { } key || !storages.ByKey.TryGetValue(key, out var storage))
                throw new InvalidDataException(
                    $"'{source}' lists a storage that nothing of a known type refers to: where its numbers end cannot be told. "
                    + "In Python save model.state_dict() alone.");
            if (input.Left < 8)
                throw CutOff(source);
            var count = input.ReadUnsigned(8);
            if (count != (ulong)(storage.ByteLength / ElementSize(storage)))
                throw new InvalidDataException(
                    $"'{source}': storage {SafeText.Quoted(key)} has {count} numbers, "
                        + $"expected {storage.ByteLength / ElementSize(storage)}.");
            if (storage.ByteLength > input.Left)
                throw CutOff(source);
            if (!starts.TryAdd(key, input.Position))
                throw new InvalidDataException($"'{source}' lists storage {SafeText.Quoted(key)} twice.");
            input.Skip(storage.ByteLength);
        }
        if (input.Left != 0)
            throw new InvalidDataException($"'{source}': {input.Left} bytes follow its last storage.");

        var weights = StateDictionary.Find(root, source);
        var entries = weights.Tensors.Select(tensor => starts.TryGetValue(tensor.Tensor.Storage.Key, out var start)
            ? new WeightEntry(tensor.Name, tensor.Tensor.Type, tensor.Tensor.Shape, tensor.Tensor.Strides, bytes,
                start + tensor.Tensor.Offset)
            : throw new InvalidDataException($"'{source}': the numbers of tensor {SafeText.Quoted(tensor.Name)} are missing."));
        return new WeightFile(source, [.. entries.OrderBy(entry => entry.Offset)], weights.Metadata, weights.Notes, [bytes]);

        object? Next() => new PickleReader(source, input).Read();
    }

    private static int ElementSize(PickledStorage storage) => storage.Type is { } type ? ElementTypes.Size(type) : 1;

    private static InvalidDataException CutOff(string source) =>
        new($"'{source}' ends within its storages: it is cut off. Fetch it again.");
}
