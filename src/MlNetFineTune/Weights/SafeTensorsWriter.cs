using System.Buffers.Binary;
using System.Text.Json;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>Writes Float32, Float16 and Int64 tensors as a safetensors file, which Python reads as well.
/// The same tensors give the same bytes.</summary>
internal static class SafeTensorsWriter
{
    public static void Write(Stream stream, IReadOnlyList<(string Name, Tensor Tensor)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        var header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var (_, tensor) in tensors)
            WriteNumbers(stream, tensor);
    }

    /// <summary>Row after row, whatever the order in memory.</summary>
    public static void WriteNumbers(Stream stream, Tensor tensor)
    {
        using var detached = tensor.detach();
        using var cpu = detached.cpu();
        using var contiguous = cpu.contiguous();
        stream.Write(contiguous.bytes);
    }

    /// <exception cref="ArgumentException">The tensor is of another type.</exception>
    public static void RequireWritable(string name, Tensor tensor)
    {
        if (tensor.dtype is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.Int64))
            throw new ArgumentException($"Tensor '{name}' is {tensor.dtype}; only Float32, Float16 and Int64 are written.");
    }

    /// <summary>Writes a temporary file beside <paramref name="path"/> and renames it,
    /// so that no incomplete file is ever visible under that name.</summary>
    public static void WriteFile(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors,
        IReadOnlyDictionary<string, string> metadata) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    private static byte[] Header(IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(key, value);
            json.WriteEndObject();
            long position = 0;
            foreach (var (name, tensor) in tensors)
            {
                RequireWritable(name, tensor);
                var end = position + tensor.numel() * ElementTypes.Size(tensor.dtype);
                json.WriteStartObject(name);
                json.WriteString("dtype", ElementTypes.NameInSafeTensors(tensor.dtype));
                json.WriteStartArray("shape");
                foreach (var dimension in tensor.shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(position);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                position = end;
            }
            json.WriteEndObject();
        }

        // The data begin on a multiple of 8, so that readers can map them.
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
