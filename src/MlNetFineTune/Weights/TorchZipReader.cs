using MlNetFineTune.MlNet;
using MlNetFineTune.WeightFiles.Pickle;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Reads what <c>torch.save</c> writes since PyTorch 1.6 (torch/serialization.py, <c>_save</c>): a zip with <c>data.pkl</c>, the numbers of
/// each storage as <c>data/KEY</c>, and since 2.0 <c>byteorder</c>, all in one folder.
/// </summary>
internal static class TorchZipReader
{
    private const string PickleName = "/data.pkl";

    // Real ones have some hundred bytes a tensor.
    private const long MaximumPickleLength = 100_000_000;

    /// <param name="bytes">The file. The result owns it.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">The file is damaged, was not written by torch.save,
    /// or contains refused pickle instructions.</exception>
    public static WeightFile Read(ByteSource bytes, string source)
    {
        var zip = StoredZip.ReadDirectory(bytes, source);
        var pickles = zip.Keys.Where(name => name.EndsWith(PickleName, StringComparison.Ordinal)
            && name.IndexOf('/') == name.Length - PickleName.Length).ToList();
        if (pickles is not [var pickleName])
            throw new InvalidDataException(
                $"'{source}' is a zip, but not of torch.save: {(pickles.Count == 0 ? "it has no data.pkl" : "it has several data.pkl")}. "
                + $"It holds {MismatchReport.Few(zip.Keys)}.");
        var folder = pickleName[..(pickleName.Length - PickleName.Length + 1)];
        if (zip.ContainsKey(folder + "constants.pkl"))
            throw new InvalidDataException(
                $"'{source}' is a TorchScript program, of torch.jit.save, not a file of weights. "
                + "Backbone.FromTorchScript fine-tunes the program itself; "
                + "for its weights alone save in Python torch.jit.load(...).state_dict().");
        if (zip.FirstOrDefault(entry => entry.Value.IsCompressed).Key is { } compressed)
            throw new InvalidDataException(
                $"'{source}' is not a proper zip of torch.save: entry {SafeText.Quoted(compressed)} is compressed, "
                + "but torch.save stores plainly. Load it in Python and save it again.");
        if (zip.TryGetValue(folder + "byteorder", out var order) && order.Length == 3
            && new BufferedBytes(bytes, order.Offset).ReadBytes(3).AsSpan().SequenceEqual("big"u8))
            throw new InvalidDataException(
                $"'{source}' was written on a big-endian machine. Load it in Python there and save it again as safetensors.");
        var range = zip[pickleName];
        if (range.Length > MaximumPickleLength)
            throw new InvalidDataException($"'{source}': its data.pkl has {range.Length} bytes, which no weights need.");

        var notes = new List<string>();
        if (ZipChecksums.AreMissing(zip))
            notes.Add("The file has no checksums, so that damage to its numbers would not be noticed.");
        else
            ZipChecksums.Check(bytes, zip, source);

        var storages = new PickledStorages(source);
        var root = new PickleReader(source, new BufferedBytes(bytes, range.Offset, range.Offset + range.Length), storages.Resolve).Read();
        var weights = StateDictionary.Find(root, source);
        var entries = weights.Tensors.Select(tensor =>
        {
            var storage = tensor.Tensor.Storage;
            if (!zip.TryGetValue($"{folder}data/{storage.Key}", out var data))
                throw new InvalidDataException(
                    $"'{source}': the numbers of tensor {SafeText.Quoted(tensor.Name)}, data/{SafeText.Of(storage.Key)}, are missing.");
            if (data.Length != storage.ByteLength)
                throw new InvalidDataException(
                    $"'{source}': the numbers of tensor {SafeText.Quoted(tensor.Name)}, data/{SafeText.Of(storage.Key)}, "
                    + $"have {data.Length} bytes, expected {storage.ByteLength}.");
            return new WeightEntry(tensor.Name, tensor.Tensor.Type, tensor.Tensor.Shape, tensor.Tensor.Strides, bytes,
                data.Offset + tensor.Tensor.Offset);
        });
        return new WeightFile(source, [.. entries.OrderBy(entry => entry.Offset)], weights.Metadata, [.. notes, .. weights.Notes], [bytes]);
    }
}
