using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The parts of a transformer that computes columns of rows in batches, which views, cursors and row mappers use.
/// </summary>
/// <param name="Host">Host of the transformer.</param>
/// <param name="Transformer">The transformer that computes the columns.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Columns">The added columns.</param>
/// <param name="Scorer">Computes the values of encoded rows.</param>
internal abstract record RowScoring(IHost Host, ITransformer Transformer, ModelInput Input, ScoreColumns Columns, IBatchScorer Scorer)
{
    /// <summary>The error of ML.NET's <c>ConvertToOnnx</c>.</summary>
    public abstract string OnnxRefusal { get; }

    /// <summary>Name of data with the columns, at the beginning of an error.</summary>
    public abstract string DataName { get; }

    /// <summary>Cache of computed rows; null without a cache.</summary>
    public ScoreCache? Cache { get; init; }

    /// <summary>Number of rows in one forward pass.</summary>
    public abstract int BatchSize { get; }

    public DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(Columns.Create(input));
        return builder.ToSchema();
    }

    /// <summary>Creates the reader for the rows of a cursor.</summary>
    /// <param name="row">Row of the cursor.</param>
    /// <param name="capacity">Number of rows stored at once.</param>
    /// <param name="isActive">Whether an added column is requested.</param>
    public abstract EncodedBatch CreateBatch(DataViewRow row, int capacity, Func<int, bool> isActive);

    /// <summary>Whether the cursor may be ahead of the row whose added columns are read.</summary>
    /// <param name="input">Schema of the input.</param>
    /// <param name="isActive">Whether an added column is requested.</param>
    public virtual bool MayLookAhead(DataViewSchema input, Func<int, bool> isActive) => true;

    public IRowToRowMapper CreateRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        Host, new EmptyDataView(Host, inputSchema), new ScoringRowMapper(this, inputSchema), schema => new ScoringRowMapper(this, schema));
}
