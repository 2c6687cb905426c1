using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.ML.Data;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Numbers made of ML.NET's row ids, which stay the same on every cursor over a data view, shuffled or not, where positions change.
/// </summary>
internal static class RowIds
{
    /// <summary>The row's number where a loader counted it, a hash else. Rows of one view differ in it, but for chance.</summary>
    public static ulong NumberOf(DataViewRowId id)
    {
        if (id.High == 0)
            return id.Low;
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[sizeof(ulong)..], id.High);
        return XxHash64.HashToUInt64(bytes);
    }

    /// <summary>Counts a row's random numbers. Rows may share it; they then draw the same.</summary>
    public static int OrdinalOf(DataViewRowId id)
    {
        var number = NumberOf(id);
        return (int)(uint)(number ^ number >> 32);
    }
}
