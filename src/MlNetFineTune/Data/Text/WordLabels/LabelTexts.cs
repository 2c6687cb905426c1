using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>Reads a column with a label for each word, a vector of text or of keys of any size, as texts.</summary>
internal static class LabelTexts
{
    public const string Expected = "Vector<Text> or Vector<Key>, a label for each word";

    public static bool IsExpected(DataViewType type) =>
        type is VectorDataViewType { ItemType: TextDataViewType or KeyDataViewType };

    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    public static void Check(IExceptionContext context, SchemaShape schema, string name)
    {
        if (!schema.TryFindColumn(name, out var label))
            throw context.ExceptSchemaMismatch("inputSchema", "label", name);
        if (label.Kind == SchemaShape.Column.VectorKind.Scalar || !(label.IsKey || label.ItemType is TextDataViewType))
            throw context.ExceptSchemaMismatch("inputSchema", "label", name, Expected, label.GetTypeString());
    }

    /// <summary>The distinct labels: the values of a key; of texts, all that occur, in ordinal order.</summary>
    /// <param name="data">The data, of which texts are read once.</param>
    /// <param name="name">Name of the column.</param>
    public static IReadOnlyList<string> Distinct(IDataView data, string name)
    {
        var column = data.Schema[name];
        if (column.Type is VectorDataViewType { ItemType: KeyDataViewType })
            return LabelKeys.Of(column).Names;
        var found = new SortedSet<string>(StringComparer.Ordinal);
        using var cursor = data.GetRowCursor([column]);
        var next = Reader(cursor, column);
        while (cursor.MoveNext())
            found.UnionWith(next().OfType<string>());
        return [.. found];
    }

    /// <summary>Creates the function that returns the labels of the cursor's current row; null for a missing one.</summary>
    public static Func<string?[]> Reader(DataViewRow row, DataViewSchema.Column column)
    {
        var item = ((VectorDataViewType)column.Type).ItemType;
        if (item is KeyDataViewType)
            return MlNet.Generic.Invoke(item.RawType, new Keys(row, column, LabelKeys.Of(column).Names));
        var values = new VectorColumn<ReadOnlyMemory<char>>(row, column);
        return () =>
        {
            var given = values.Next();
            var labels = new string?[given.Length];
            for (var i = 0; i < labels.Length; i++)
                labels[i] = given[i].Span.IsWhiteSpace() ? null : given[i].ToString();
            return labels;
        };
    }

    private sealed record Keys(DataViewRow Row, DataViewSchema.Column Column, IReadOnlyList<string> Names)
        : MlNet.Generic.IFunction<Func<string?[]>>
    {
        public Func<string?[]> Invoke<T>()
        {
            var values = new VectorColumn<T>(Row, Column);
            return () =>
            {
                var given = values.Next();
                var labels = new string?[given.Length];
                for (var i = 0; i < labels.Length; i++)
                {
                    var key = Convert.ToUInt64(given[i], System.Globalization.CultureInfo.InvariantCulture); // from 1; 0 is missing
                    labels[i] = key > 0 && key <= (ulong)Names.Count ? Names[(int)key - 1] : null;
                }
                return labels;
            };
        }
    }
}
