using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>From columns to what a module sees of them.</summary>
internal static class ModuleInputShapes
{
    public const string Expected = "Single, Key, or Vector of either with known size (Conversion.ConvertType and MapValueToKey make them)";

    // Indices travel as floats, which are exact so far.
    private const ulong MaximumKeys = (1 << 24) - 1;

    /// <summary>What a module is made for.</summary>
    /// <exception cref="Exception">A column is missing or of another type; in ML.NET's words.</exception>
    public static IReadOnlyList<ModuleInputShape> Resolve(IReadOnlyList<ModuleInput> inputs, IExceptionContext context, DataViewSchema schema) =>
        [.. inputs.Select(input => Resolve(input, context, schema))];

    /// <summary>Of a column of numbers or keys; null if it is of another type.</summary>
    public static ModuleInputShape? Of(DataViewSchema.Column column)
    {
        var (item, size) = column.Type is VectorDataViewType vector ? (vector.ItemType, vector.Size) : (column.Type as PrimitiveDataViewType, 1);
        if (size == 0)
            return null;
        var isVector = column.Type is VectorDataViewType;
        return item is KeyDataViewType { Count: <= MaximumKeys } key ? new(column.Name, isVector ? [size] : [], (int)key.Count + 1)
            : item == NumberDataViewType.Single ? new(column.Name, [size])
            : null;
    }

    /// <summary>The same before there are data, when sizes may be unknown.</summary>
    public static void Check(
        IReadOnlyList<ModuleInput> inputs, IExceptionContext context, SchemaShape schema, string role = "module input")
    {
        foreach (var input in inputs)
        {
            if (!schema.TryFindColumn(input.ColumnName, out var column))
                throw context.ExceptSchemaMismatch("inputSchema", role, input.ColumnName);
            if (input is ModuleInput.PictureInput picture)
                ImageInputOf(picture).Check(schema, context, "inputSchema");
            else if (column.Kind == SchemaShape.Column.VectorKind.VariableVector || !(column.IsKey || column.ItemType == NumberDataViewType.Single))
                throw context.ExceptSchemaMismatch("inputSchema", role, column.Name, Expected, column.GetTypeString());
        }
    }

    /// <summary>What enters a module.</summary>
    public static ModelInput InputOf(IReadOnlyList<ModuleInput> inputs, IReadOnlyList<ModuleInputShape> shapes) => new TableInput(
        [.. inputs.Zip(shapes, (input, shape) => input is ModuleInput.PictureInput picture
            ? (ModelInput)new ImageInput(ImageInputOf(picture), new ImageEncoder(picture.Preprocessing))
            : new NumberInput(shape))]);

    public static string Describe(ModuleInputShape shape) => shape.KeyCount > 0
        ? $"{(shape.Dimensions.Count > 0 ? $"Vector of {shape.Size} keys" : "Key")} of {shape.KeyCount - 1} values"
        : shape.Size == 1 ? "Single" : $"Vector of {shape.Size} Single";

    private static ImageColumn ImageInputOf(ModuleInput.PictureInput picture) => new(picture.ColumnName, picture.Folder, Pixels: null);

    private static ModuleInputShape Resolve(ModuleInput input, IExceptionContext context, DataViewSchema schema)
    {
        if (input is ModuleInput.PictureInput { Preprocessing.Size: var side })
            return new(input.ColumnName, [3, side, side]);
        var column = schema.GetColumnOrNull(input.ColumnName) ?? throw context.ExceptSchemaMismatch("input", "module input", input.ColumnName);
        var found = Of(column) ?? throw context.ExceptSchemaMismatch("input", "module input", column.Name, Expected, column.Type.ToString());
        var stated = ((ModuleInput.ColumnInput)input).Shape;
        if (stated.Count == 0)
            return found;
        return stated.Aggregate(1L, (size, dimension) => size * dimension) == found.Size
            ? found with { Dimensions = stated }
            : throw context.Except($"Input '{column.Name}' is stated as [{string.Join(", ", stated)}], {stated.Aggregate(1L, (size, dimension) => size * dimension)} numbers, but the column has {found.Size}.");
    }
}
