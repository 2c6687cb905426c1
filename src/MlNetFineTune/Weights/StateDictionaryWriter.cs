using System.Globalization;
using System.IO.Compression;
using System.Text;
using MlNetFineTune.WeightFiles.Pickle;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Writes Float32 and Int64 tensors as <c>torch.save(state_dict, path)</c> does (torch/serialization.py, <c>_save</c>): a zip of stored
/// entries, a pickle of protocol 2 that makes an OrderedDict of tensors, and the numbers of each. The same tensors give the same bytes.
/// </summary>
internal static class StateDictionaryWriter
{
    /// <summary>
    /// The attribute of the OrderedDict that holds the weights' recipe. PyTorch keeps attributes and looks at none but <c>_metadata</c>, so
    /// that the dictionary's keys stay the tensors' names.
    /// </summary>
    public const string MetadataAttribute = "_mlnetfinetune";

    // The earliest time that a zip can say: the time of writing must not change the bytes.
    private static readonly DateTimeOffset s_time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Write(Stream stream, IReadOnlyList<(string Name, Tensor Tensor)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        foreach (var (name, tensor) in tensors)
            SafeTensorsWriter.RequireWritable(name, tensor);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        Add("data.pkl", entry => entry.Write(Pickle(tensors, metadata)));
        Add("byteorder", entry => entry.Write("little"u8));
        for (var i = 0; i < tensors.Count; i++)
            Add($"data/{i}", entry => SafeTensorsWriter.WriteNumbers(entry, tensors[i].Tensor));
        Add("version", entry => entry.Write("3\n"u8));

        void Add(string name, Action<Stream> write)
        {
            var entry = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression);
            entry.LastWriteTime = s_time;
            using var content = entry.Open();
            write(content);
        }
    }

    private static byte[] Pickle(IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using var pickle = new BinaryWriter(buffer);
        Put(PickleOpcode.Proto);
        pickle.Write((byte)2);
        PutOrderedDictionary();
        Put(PickleOpcode.Mark);
        for (var i = 0; i < tensors.Count; i++)
        {
            PutText(tensors[i].Name);
            PutTensor(i, tensors[i].Tensor);
        }
        Put(PickleOpcode.SetItems);

        // The dictionary's attributes.
        Put(PickleOpcode.EmptyDict);
        PutText(MetadataAttribute);
        Put(PickleOpcode.EmptyDict, PickleOpcode.Mark);
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            PutText(key);
            PutText(value);
        }
        Put(PickleOpcode.SetItems, PickleOpcode.SetItem, PickleOpcode.Build, PickleOpcode.Stop);
        return buffer.ToArray();

        // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)
        void PutTensor(int index, Tensor tensor)
        {
            var shape = tensor.shape;
            PutName("torch._utils", "_rebuild_tensor_v2");
            Put(PickleOpcode.Mark, PickleOpcode.Mark);
            PutText("storage");
            PutName("torch", ElementTypes.NameOfStorage(tensor.dtype));
            PutText(index.ToString(CultureInfo.InvariantCulture));
            PutText("cpu");
            PutInteger(shape.Aggregate(1L, (product, size) => product * size));
            Put(PickleOpcode.Tuple, PickleOpcode.BinPersId);
            PutInteger(0);
            PutIntegers(shape);
            PutIntegers(WeightEntry.RowMajor(shape));
            Put(PickleOpcode.NewFalse);
            PutOrderedDictionary();
            Put(PickleOpcode.Tuple, PickleOpcode.Reduce);
        }

        void PutOrderedDictionary()
        {
            PutName("collections", "OrderedDict");
            Put(PickleOpcode.EmptyTuple, PickleOpcode.Reduce);
        }

        void PutName(string module, string name)
        {
            Put(PickleOpcode.Global);
            pickle.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
        }

        void PutText(string text)
        {
            Put(PickleOpcode.BinUnicode);
            var bytes = Encoding.UTF8.GetBytes(text);
            pickle.Write(bytes.Length);
            pickle.Write(bytes);
        }

        void PutIntegers(long[] values)
        {
            Put(PickleOpcode.Mark);
            foreach (var value in values)
                PutInteger(value);
            Put(PickleOpcode.Tuple);
        }

        void PutInteger(long value)
        {
            if (value <= int.MaxValue)
            {
                Put(PickleOpcode.BinInt);
                pickle.Write((int)value);
                return;
            }
            Put(PickleOpcode.Long1);
            pickle.Write((byte)sizeof(long));
            pickle.Write(value);
        }

        void Put(params ReadOnlySpan<PickleOpcode> opcodes)
        {
            foreach (var opcode in opcodes)
                pickle.Write((byte)opcode);
        }
    }
}
