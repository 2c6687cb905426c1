using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>Finds the columns of an evaluation and validates their types with ML.NET's own errors.</summary>
internal static class EvaluatedColumns
{
    /// <param name="context">Context of exceptions.</param>
    /// <param name="schema">Schema of the evaluated data.</param>
    /// <param name="name">Name of the column.</param>
    /// <param name="role">The role of the column in messages, such as "label".</param>
    /// <param name="expected">The expected type, as text for the message.</param>
    /// <param name="isExpected">Whether a type is valid.</param>
    public static DataViewSchema.Column Find(
        IExceptionContext context, DataViewSchema schema, string name, string role, string expected, Func<DataViewType, bool> isExpected)
    {
        var column = schema.GetColumnOrNull(name) ?? throw context.ExceptSchemaMismatch("data", role, name);
        return isExpected(column.Type) ? column : throw context.ExceptSchemaMismatch("data", role, name, expected, column.Type.ToString());
    }

    /// <summary>The texts of an annotation with one value per slot or key; null if the column has none of this kind and size.</summary>
    public static string[]? NamesOf(DataViewSchema.Column column, string kind, int count)
    {
        var type = column.Annotations.Schema.GetColumnOrNull(kind)?.Type as VectorDataViewType;
        return type?.Size == count ? MlNet.Generic.Invoke(type.ItemType.RawType, new Texts(column.Annotations, kind)) : null;
    }

    private sealed record Texts(DataViewSchema.Annotations Annotations, string Kind) : MlNet.Generic.IFunction<string[]>
    {
        public string[] Invoke<T>()
        {
            VBuffer<T> values = default;
            Annotations.GetValue(Kind, ref values);
            return [.. values.DenseValues().Select(ValueText.Of)];
        }
    }
}
