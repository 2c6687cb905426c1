using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>The parts of a batch-scoring transformer that views, cursors and row mappers use.</summary>
/// <param name="Host">Host of the transformer.</param>
/// <param name="Transformer">The transformer that computes the columns.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Columns">The added columns.</param>
/// <param name="Scorer">Scorer of the network.</param>
internal sealed record RowScoring(IHost Host, ITransformer Transformer, ModelInput Input, ScoreColumns Columns, NetworkScorer Scorer)
{
    /// <summary>The alternative to ML.NET's <c>ConvertToOnnx</c>, for the error message.</summary>
    public required string OnnxAdvice { get; init; }

    /// <summary>Cache of computed rows; null without a cache.</summary>
    public ScoreCache? Cache { get; init; }

    /// <summary>Number of rows in one forward pass.</summary>
    public int BatchSize => Math.Max(Input.ScoringBatch(Scorer.IsOnGpu) / Scorer.Views.Count, 1);

    public DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(Columns.Create(input));
        return builder.ToSchema();
    }

    public EncodedBatch CreateBatch(DataViewRow row, int capacity) =>
        new(Input.Read(Host, row, capacity), Scorer.Views, capacity, Cache);

    public IRowToRowMapper CreateRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        Host, new EmptyDataView(Host, inputSchema), new ScoringRowMapper(this, inputSchema), schema => new ScoringRowMapper(this, schema));
}
