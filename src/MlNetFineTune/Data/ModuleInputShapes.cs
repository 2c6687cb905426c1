using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Shapes of a module's input tensors from columns.</summary>
internal static class ModuleInputShapes
{
    public const string Expected = "Single, Key, or Vector of either with known size (Conversion.ConvertType and MapValueToKey make them)";

    /// <summary>Indices are stored as floats, which are exact up to this number.</summary>
    public const ulong MaximumKeys = (1 << 24) - 1;

    /// <summary>Shape of a column of numbers or keys; null for another type.</summary>
    public static ModuleContext.InputShape? Of(DataViewSchema.Column column)
    {
        var (item, size) = column.Type is VectorDataViewType vector
            ? (vector.ItemType, vector.Size)
            : (column.Type as PrimitiveDataViewType, 1);
        if (size == 0)
            return null;
        var isVector = column.Type is VectorDataViewType;
        return item is KeyDataViewType { Count: <= MaximumKeys } key ? new(column.Name, isVector ? [size] : [], (int)key.Count + 1)
            : item == NumberDataViewType.Single ? new(column.Name, [size])
            : null;
    }

    public static string Describe(ModuleContext.InputShape shape) => shape.KeyCount > 0
        ? $"{(shape.Dimensions.Count > 0 ? $"Vector of {shape.Size} keys" : "Key")} of {shape.KeyCount - 1} values"
        : shape.Size == 1 ? "Single" : $"Vector of {shape.Size} Single";
}
