using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>ML.NET's example weights: a Single column.</summary>
internal static class WeightColumn
{
    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    public static void Check(IExceptionContext context, SchemaShape schema, string? name)
    {
        if (name is null)
            return;
        if (!schema.TryFindColumn(name, out var column))
            throw context.ExceptSchemaMismatch("inputSchema", "example weight", name);
        if (column.IsKey || column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType != NumberDataViewType.Single)
            throw context.ExceptSchemaMismatch("inputSchema", "example weight", name, "Single", column.GetTypeString());
    }

    /// <returns>The column; null without weights.</returns>
    /// <exception cref="Exception">The column is missing or has another type, as for <see cref="Check"/>.</exception>
    public static DataViewSchema.Column? Find(IExceptionContext context, DataViewSchema schema, string? name)
    {
        if (name is null)
            return null;
        var column = schema.GetColumnOrNull(name) ?? throw context.ExceptSchemaMismatch("validation", "validation example weight", name);
        return column.Type == NumberDataViewType.Single
            ? column
            : throw context.ExceptSchemaMismatch("validation", "validation example weight", name, "Single", column.Type.ToString());
    }

    /// <summary>Reads the weight of the current row.</summary>
    public static Func<float> Reader(IExceptionContext context, DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<float>(column);
        var value = 0f;
        return () =>
        {
            getter(ref value);
            return value >= 0 && float.IsFinite(value)
                ? value
                : throw context.Except($"Row {row.Position} has the weight {value} in column '{column.Name}'; weights must be 0 or above. "
                    + "Leave the row out (FilterRowsByColumn), or give it a weight.");
        };
    }
}
