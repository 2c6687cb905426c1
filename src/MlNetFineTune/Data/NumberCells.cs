using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Reads a column of numbers or keys, or of vectors of them, as floats.
/// Keys are counted as ML.NET stores them: 0 is missing, the first is 1.</summary>
internal static class NumberCells
{
    /// <summary>Copies the present row's values.</summary>
    public delegate void Copy(Span<float> values);

    /// <param name="row">The cursor that is read.</param>
    /// <param name="column">The column, whose type was checked.</param>
    /// <param name="keyCount">Number of key indices; larger keys count as missing. 0 for numbers.</param>
    public static Copy Reader(DataViewRow row, DataViewSchema.Column column, int keyCount)
    {
        var item = ((column.Type as VectorDataViewType)?.ItemType ?? column.Type).RawType;
        return item == typeof(float) ? Of<float>(value => value)
            : item == typeof(byte) ? Of<byte>(value => Key(value))
            : item == typeof(ushort) ? Of<ushort>(value => Key(value))
            : item == typeof(uint) ? Of<uint>(value => Key(value))
            : Of<ulong>(Key);

        Copy Of<T>(Func<T, float> convert) => column.Type is VectorDataViewType
            ? Vector(row, column, convert)
            : Scalar(row, column, convert);

        float Key(ulong key) => key < (ulong)keyCount ? key : 0;
    }

    private static Copy Scalar<T>(DataViewRow row, DataViewSchema.Column column, Func<T, float> convert)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return values =>
        {
            getter(ref value);
            values[0] = convert(value);
        };
    }

    private static Copy Vector<T>(DataViewRow row, DataViewSchema.Column column, Func<T, float> convert)
    {
        var getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        return values =>
        {
            getter(ref buffer);
            if (buffer.Length != values.Length)
                throw new InvalidOperationException(
                    $"Row {row.Position} has {buffer.Length} values in column '{column.Name}', whose type promises {values.Length}.");
            values.Clear();
            var given = buffer.GetValues();
            var indices = buffer.GetIndices();
            for (var i = 0; i < given.Length; i++)
                values[buffer.IsDense ? i : indices[i]] = convert(given[i]);
        };
    }
}
