using Microsoft.ML.Data;

namespace MlNetFineTune.Embeddings;

/// <summary>The only column of the data that a model receives from an embedding generator.</summary>
/// <typeparam name="TValue">What callers give.</typeparam>
/// <typeparam name="TRow">A row, whose only property is the column.</typeparam>
internal abstract class EmbeddedColumn<TValue, TRow>
    where TRow : class, new()
{
    /// <param name="name">Name of the column.</param>
    protected EmbeddedColumn(string name)
    {
        Name = name;
        Definition = SchemaDefinition.Create(typeof(TRow));
        Definition[0].ColumnName = name;
    }

    public string Name { get; }

    /// <summary>Schema of the rows, for ML.NET.</summary>
    public SchemaDefinition Definition { get; }

    /// <summary>Name of the generator in errors.</summary>
    public abstract string GeneratorName { get; }

    /// <summary>The row of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="place">Its index in the call.</param>
    /// <exception cref="ArgumentException">The value is null, or of another kind.</exception>
    public abstract TRow RowOf(TValue? value, int place);

    /// <summary>Number of tokens of rows; null if they have none.</summary>
    public abstract long? CountTokens(FeaturesTransformer extractor, IReadOnlyList<TRow> rows);

    /// <summary>The error of a row without features.</summary>
    public abstract string Unreadable(TRow row, int place);

    /// <summary>The error of a model for other columns.</summary>
    public abstract string Mismatch(ArgumentException reason);

    protected static ArgumentException Null(int place) => new($"Value {place} (counted from 0) is null.", "values");
}
