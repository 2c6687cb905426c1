using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Reads a column of numbers or keys, or of vectors of them, as floats.
/// Keys have ML.NET's raw values: 0 is missing, the first key is 1.</summary>
internal static class NumberCells
{
    /// <summary>The current row's values, valid until the next call; one value if the column is not a vector.</summary>
    public delegate ReadOnlySpan<float> Next();

    /// <param name="row">The cursor that is read.</param>
    /// <param name="column">The column, of a valid type.</param>
    /// <param name="keyCount">Number of key indices; larger keys count as missing. 0 for numbers.</param>
    public static Next Reader(DataViewRow row, DataViewSchema.Column column, int keyCount)
    {
        var item = ((column.Type as VectorDataViewType)?.ItemType ?? column.Type).RawType;
        return item == typeof(float) ? Of<float>(value => value)
            : item == typeof(byte) ? Of<byte>(value => Key(value))
            : item == typeof(ushort) ? Of<ushort>(value => Key(value))
            : item == typeof(uint) ? Of<uint>(value => Key(value))
            : Of<ulong>(Key);

        Next Of<T>(Func<T, float> convert) => column.Type is VectorDataViewType
            ? Vector(row, column, convert)
            : Scalar(row, column, convert);

        float Key(ulong key) => key < (ulong)keyCount ? key : 0;
    }

    private static Next Scalar<T>(DataViewRow row, DataViewSchema.Column column, Func<T, float> convert)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        var number = new float[1];
        return () =>
        {
            getter(ref value);
            number[0] = convert(value);
            return number;
        };
    }

    private static Next Vector<T>(DataViewRow row, DataViewSchema.Column column, Func<T, float> convert)
    {
        var vectors = new VectorColumn<T>(row, column);
        float[] numbers = [];
        return () =>
        {
            var values = vectors.Next();
            if (numbers.Length < values.Length)
                numbers = new float[values.Length];
            for (var i = 0; i < values.Length; i++)
                numbers[i] = convert(values[i]);
            return numbers.AsSpan(0, values.Length);
        };
    }
}
