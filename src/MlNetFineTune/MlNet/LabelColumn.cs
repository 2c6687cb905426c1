using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.MlNet;

/// <summary>Reads a key column of any raw type as class indices.</summary>
internal static class LabelColumn
{
    /// <summary>The class of the present row, from 0; -1 where it is missing.</summary>
    public static Func<int> Reader(DataViewRow row, DataViewSchema.Column column)
    {
        var raw = ((KeyDataViewType)column.Type).RawType;
        return raw == typeof(byte) ? Read<byte>(row, column, value => value)
            : raw == typeof(ushort) ? Read<ushort>(row, column, value => value)
            : raw == typeof(uint) ? Read<uint>(row, column, value => checked((int)value))
            : Read<ulong>(row, column, value => checked((int)value));
    }

    private static Func<int> Read<T>(DataViewRow row, DataViewSchema.Column column, Func<T, int> toInt)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return toInt(value) - 1;
        };
    }
}
