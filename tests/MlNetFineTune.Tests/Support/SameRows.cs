using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Data views with the same columns, annotations and values, bit for bit, in the same order.</summary>
internal static class SameRows
{
    public static void AssertAlike(IDataView expected, IDataView actual)
    {
        CollectionAssert.AreEqual(Columns(expected), Columns(actual));
        var (rows, others) = (Rows(expected), Rows(actual));
        Assert.HasCount(rows.Count, others);
        for (var row = 0; row < rows.Count; row++)
            Assert.AreEqual(rows[row], others[row], $"row {row}");
    }

    /// <summary>All values of each row as text.</summary>
    public static List<string> Rows(IDataView view)
    {
        using var cursor = view.GetRowCursor(view.Schema);
        var values = view.Schema.Select(column => Generic.Invoke(column.Type.RawType, new OfRow(cursor, column))).ToArray();
        var rows = new List<string>();
        while (cursor.MoveNext())
            rows.Add(string.Join(" | ", values.Select(value => value())));
        return rows;
    }

    private static List<string> Columns(IDataView view) => [.. view.Schema.Select(column =>
        $"{column.Name}: {column.Type} {string.Join(", ", column.Annotations.Schema.Select(kind =>
            $"{kind.Name} ({kind.Type}) = {Generic.Invoke(kind.Type.RawType, new OfAnnotation(column, kind.Name))}").Order())}")];

    // The shortest text from which a number is read back is another for every other number.
    private static string Text<T>(T value) => value switch
    {
        VBuffer<float> vector => Text(vector),
        VBuffer<double> vector => Text(vector),
        VBuffer<uint> vector => Text(vector),
        VBuffer<byte> vector => Text(vector),
        VBuffer<bool> vector => Text(vector),
        VBuffer<ReadOnlyMemory<char>> vector => Text(vector),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        ReadOnlyMemory<char> or bool => value.ToString()!,
        _ => throw new NotSupportedException($"{typeof(T)} is not compared."),
    };

    private static string Text<T>(VBuffer<T> vector) => $"[{vector.Length}: {string.Join(' ', vector.DenseValues().Select(Text))}]";

    private sealed class OfRow(DataViewRow row, DataViewSchema.Column column) : Generic.IFunction<Func<string>>
    {
        public Func<string> Invoke<T>()
        {
            var getter = row.GetGetter<T>(column);
            T value = default!;
            return () =>
            {
                getter(ref value);
                return Text(value);
            };
        }
    }

    private sealed class OfAnnotation(DataViewSchema.Column column, string kind) : Generic.IFunction<string>
    {
        public string Invoke<T>()
        {
            T value = default!;
            column.Annotations.GetValue(kind, ref value);
            return Text(value);
        }
    }
}
