using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>A column with the words of a row: a vector of text of any size.</summary>
/// <param name="Name">Name of the column.</param>
internal sealed record WordColumn(string Name)
{
    public const string Expected = "Vector<Text>, the words (Transforms.Text.TokenizeIntoWords makes them of a text)";

    public void Check(SchemaShape schema, IExceptionContext context)
    {
        if (!schema.TryFindColumn(Name, out var column))
            throw context.ExceptSchemaMismatch("inputSchema", "words", Name);
        if (column.Kind == SchemaShape.Column.VectorKind.Scalar || column.ItemType is not TextDataViewType)
            throw context.ExceptSchemaMismatch("inputSchema", "words", Name, Expected, column.GetTypeString());
    }

    public DataViewSchema.Column Of(DataViewSchema schema, IExceptionContext context, string prefix = "")
    {
        var column = schema.GetColumnOrNull(Name) ?? throw context.ExceptSchemaMismatch("input", prefix + "words", Name);
        return column.Type is VectorDataViewType { ItemType: TextDataViewType }
            ? column
            : throw context.ExceptSchemaMismatch("input", prefix + "words", Name, Expected, column.Type.ToString());
    }

    /// <summary>Creates the function that returns the words of the cursor's current row.</summary>
    public Func<string[]> Reader(DataViewRow row)
    {
        var values = new VectorColumn<ReadOnlyMemory<char>>(row, row.Schema[Name]);
        return () =>
        {
            var given = values.Next();
            var words = new string[given.Length];
            for (var i = 0; i < words.Length; i++)
                words[i] = given[i].ToString();
            return words;
        };
    }
}
