using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.ML.Data;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Numbers derived from ML.NET's row ids, which are the same on every cursor over a data view, even if shuffled; positions are not.
/// </summary>
internal static class RowIds
{
    /// <summary>The row's number if a loader counted it, otherwise a hash. Collisions within a view are improbable.</summary>
    public static ulong NumberOf(DataViewRowId id)
    {
        if (id.High == 0)
            return id.Low;
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[sizeof(ulong)..], id.High);
        return XxHash64.HashToUInt64(bytes);
    }

    /// <summary>Keys a row's random numbers. Rows with equal keys have equal random numbers.</summary>
    public static int OrdinalOf(DataViewRowId id)
    {
        var number = NumberOf(id);
        return (int)(uint)(number ^ number >> 32);
    }
}
