using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>Scores one row at a time, for <c>PredictionEngine</c> and other users of row-to-row mappers.</summary>
internal sealed class ScoringRowMapper(RowScoring scoring, DataViewSchema input) : IRowMapper
{
    private readonly HashSet<int> _inputs = [.. scoring.Input.ColumnsOf(scoring.Host, input).Select(column => column.Index)];
    private readonly DataViewSchema.DetachedColumn[] _outputs = scoring.Columns.Create(input);

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) =>
        column => _inputs.Contains(column) && Enumerable.Range(0, _outputs.Length).Any(activeOutput);

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        var getters = new Delegate?[_outputs.Length];
        if (!Enumerable.Range(0, _outputs.Length).Any(activeOutput))
            return getters;

        // One forward pass computes all columns. Only the buffers persist between rows.
        var encoded = scoring.CreateBatch(row, capacity: 1, activeOutput);
        var batch = new ScoredBatch(scoring.Scorer, capacity: 1);
        long scored = -1;
        for (var i = 0; i < getters.Length; i++)
            getters[i] = activeOutput(i) ? scoring.Columns.Getter(i, batch, Score) : null;
        return getters;

        int Score()
        {
            if (scored == row.Position && scored >= 0)
                return 0;
            encoded.Clear();
            encoded.Take();
            encoded.Encode();
            batch.Score(encoded);
            batch.LogUnreadable(scoring.Host); // at once: there is no notification at the end of a PredictionEngine
            scored = row.Position;
            return 0;
        }
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => _outputs;

    public ITransformer GetTransformer() => scoring.Transformer;

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw scoring.Host.ExceptNotSupp("A row mapper is made anew from its transformer; save the transformer.");
}
