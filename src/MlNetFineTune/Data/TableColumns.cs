using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>The columns of a table beside a picture.</summary>
internal static class TableColumns
{
    /// <summary>Role of the columns in messages.</summary>
    public const string Role = "table column";

    /// <exception cref="ArgumentException">A column is not supported in a table.</exception>
    public static IReadOnlyList<ModuleInput> Checked(IReadOnlyList<ModuleInput> columns)
    {
        ArgumentNullException.ThrowIfNull(columns, nameof(TableColumns));
        foreach (var column in columns)
        {
            ArgumentNullException.ThrowIfNull(column, nameof(TableColumns));
            if (column is not ModuleInput.ColumnInput { Shape.Count: 0 })
            {
                throw new ArgumentException(
                    $"Column '{column.ColumnName}' is a picture or has a stated shape: a table has numbers and keys, which their names say "
                    + "enough of.", nameof(TableColumns));
            }
        }
        return columns.GroupBy(column => column.ColumnName).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw new ArgumentException($"Column '{twice.Key}' is there twice.", nameof(TableColumns))
            : (IReadOnlyList<ModuleInput>)[.. columns];
    }

    /// <summary>Checks the columns of a schema shape, where sizes may be unknown.</summary>
    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    public static void Check(IReadOnlyList<ModuleInput> columns, IExceptionContext context, SchemaShape schema)
    {
        foreach (var name in columns.Select(column => column.ColumnName))
        {
            if (!schema.TryFindColumn(name, out var column))
                throw context.ExceptSchemaMismatch("inputSchema", Role, name);
            if (column.Kind == SchemaShape.Column.VectorKind.VariableVector
                || !(column.IsKey || column.ItemType == NumberDataViewType.Single))
                throw context.ExceptSchemaMismatch("inputSchema", Role, name, ModuleInputShapes.Expected, column.GetTypeString());
        }
    }

    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    public static IReadOnlyList<NumberInput> InputsOf(
        IReadOnlyList<ModuleInput> columns, IExceptionContext context, DataViewSchema schema) =>
        [.. columns.Select(column => new NumberInput(ShapeOf(column.ColumnName, context, schema), Role, allowsMissing: true))];

    /// <summary>Sets the statistics with which a table's layers standardise numbers.</summary>
    public static void Fit(TableBranch table, RowSubset training, IChannel channel)
    {
        var statistics = TableStatistics.Of(training, table.Form.Columns);
        table.Standardize(statistics.Means, statistics.Deviations);
        var place = 0;
        foreach (var column in table.Form.Columns.Where(column => column.KeyCount == 0))
        {
            for (var slot = 0; slot < column.Size; slot++)
            {
                if (statistics.Known[place++] == 0)
                {
                    channel.Warning(
                        $"Column '{column.Column}'{(column.Size > 1 ? $" has no number in slot {slot}" : " has no number")} in any of "
                        + $"{training.Rows.Length} training rows: nothing can be learnt of it.");
                }
            }
        }
    }

    private static ModuleContext.InputShape ShapeOf(string name, IExceptionContext context, DataViewSchema schema)
    {
        var column = schema.GetColumnOrNull(name) ?? throw context.ExceptSchemaMismatch("input", Role, name);
        return ModuleInputShapes.Of(column)
            ?? throw context.ExceptSchemaMismatch("input", Role, name, ModuleInputShapes.Expected, column.Type.ToString());
    }
}
