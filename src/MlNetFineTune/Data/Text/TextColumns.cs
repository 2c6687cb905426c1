using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>The text column of an input, and the second one of pairs of texts.</summary>
/// <param name="First">Name of the column.</param>
/// <param name="Second">Name of the second column; null for single texts.</param>
internal sealed record TextColumns(string First, string? Second)
{
    public IReadOnlyList<string> Names => Second is null ? [First] : [First, Second];

    public void Check(SchemaShape schema, IExceptionContext context)
    {
        foreach (var name in Names)
        {
            if (!schema.TryFindColumn(name, out var column))
                throw context.ExceptSchemaMismatch("inputSchema", "text", name);
            if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType is not TextDataViewType)
                throw context.ExceptSchemaMismatch("inputSchema", "text", name, "Text", column.GetTypeString());
        }
    }

    public DataViewSchema.Column[] Of(DataViewSchema schema, IExceptionContext context, string prefix = "") =>
        [.. Names.Select(name => Of(schema, context, prefix, name))];

    /// <summary>Creates the function that returns the texts of the cursor's current row, the second empty for single texts.</summary>
    public Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> Reader(DataViewRow row)
    {
        var first = row.GetGetter<ReadOnlyMemory<char>>(row.Schema[First]);
        var second = Second is null ? null : row.GetGetter<ReadOnlyMemory<char>>(row.Schema[Second]);
        return () =>
        {
            ReadOnlyMemory<char> one = default, other = default;
            first(ref one);
            second?.Invoke(ref other);
            return (one, other);
        };
    }

    private static DataViewSchema.Column Of(DataViewSchema schema, IExceptionContext context, string prefix, string name)
    {
        var column = schema.GetColumnOrNull(name) ?? throw context.ExceptSchemaMismatch("input", prefix + "text", name);
        return column.Type is TextDataViewType
            ? column
            : throw context.ExceptSchemaMismatch("input", prefix + "text", name, "Text", column.Type.ToString());
    }
}
