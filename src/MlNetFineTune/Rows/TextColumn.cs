using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Rows;

/// <summary>Reads a text, key or number column as text, for grouping and for matching labels by value.</summary>
internal static class TextColumn
{
    public static Func<string> Reader(IExceptionContext context, DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
            throw context.Except($"Column '{column.Name}' is a vector ({column.Type}); expected one value a row.");
        return MlNet.Generic.Invoke(column.Type.RawType, new Read(row, column));
    }

    private sealed record Read(DataViewRow Row, DataViewSchema.Column Column) : MlNet.Generic.IFunction<Func<string>>
    {
        public Func<string> Invoke<T>()
        {
            var getter = Row.GetGetter<T>(Column);
            T value = default!;
            return () =>
            {
                getter(ref value);
                return Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            };
        }
    }
}
