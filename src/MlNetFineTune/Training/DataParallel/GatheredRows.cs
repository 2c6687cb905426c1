using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The rows of a batch that several processes have computed, together in each of them and in the order of the processes. Outputs of words
/// or tokens may differ in length between processes, as they do between batches: they are padded by NaN.
/// </summary>
internal static class GatheredRows
{
    /// <param name="processes">The processes.</param>
    /// <param name="own">[N of this process, ...]; null if it has no rows. The caller keeps ownership.</param>
    /// <param name="device">Device of the result.</param>
    /// <returns>
    /// [N, ...] of 32-bit floats, the same numbers in all processes, in the current dispose scope; of one process its own tensor.
    /// </returns>
    public static Tensor Of(ProcessGroup processes, Tensor? own, Device device)
    {
        if (!processes.IsSeveral)
            return own!;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        List<Tensor> parts = [.. processes.Gather(BytesOf(own)).Where(bytes => bytes.Length > 0).Select(bytes => TensorOf(bytes))];
        var dimensions = parts[0].ndim;
        for (var dimension = 1; dimension < dimensions; dimension++)
        {
            var longest = parts.Max(part => part.shape[dimension]);
            for (var i = 0; i < parts.Count; i++)
                parts[i] = Padded(parts[i], dimension, longest);
        }
        return cat(parts, 0).to(device).MoveToOuterDisposeScope();
    }

    private static Tensor Padded(Tensor part, int dimension, long length)
    {
        if (part.shape[dimension] == length)
            return part;
        long[] missing = [.. part.shape];
        missing[dimension] = length - missing[dimension];
        var count = missing.Aggregate(1L, (product, size) => product * size);
        return cat([part, Scalars.Full(count, double.NaN).to_type(part.dtype).view(missing)], dimension);
    }

    // Number of dimensions, sizes, numbers. No bytes without rows.
    private static byte[] BytesOf(Tensor? own)
    {
        if (own is null || own.shape[0] == 0)
            return [];
        using var scope = NewDisposeScope();
        var shape = own.shape;
        var numbers = own.detach().to_type(ScalarType.Float32).cpu().contiguous().bytes;
        var bytes = new byte[sizeof(int) + shape.Length * sizeof(long) + numbers.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, shape.Length);
        MemoryMarshal.AsBytes(shape.AsSpan()).CopyTo(bytes.AsSpan(sizeof(int)));
        numbers.CopyTo(bytes.AsSpan(bytes.Length - numbers.Length));
        return bytes;
    }

    private static Tensor TensorOf(ReadOnlySpan<byte> bytes)
    {
        var dimensions = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        bytes = bytes[sizeof(int)..];
        var shape = MemoryMarshal.Cast<byte, long>(bytes[..(dimensions * sizeof(long))]).ToArray();
        var result = empty(shape, ScalarType.Float32);
        bytes[(dimensions * sizeof(long))..].CopyTo(result.bytes);
        return result;
    }
}
