using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>Explains one row at a time, for <c>PredictionEngine</c> and other users of row-to-row mappers.</summary>
internal sealed class ExplainingRowMapper(IHost host, ImageExplainingTransformer transformer, DataViewSchema input) : IRowMapper
{
    private readonly HashSet<int> _inputs = [.. transformer.ColumnsOf(input).Select(column => column.Index)];
    private readonly DataViewSchema.DetachedColumn[] _outputs = transformer.Columns.Create(input);

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) =>
        column => _inputs.Contains(column) && Enumerable.Range(0, _outputs.Length).Any(activeOutput);

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        var getters = new Delegate?[_outputs.Length];
        if (!Enumerable.Range(0, _outputs.Length).Any(activeOutput))
            return getters;

        // One explanation computes all columns. Only the buffers persist between rows.
        var encoded = transformer.Explainer.CreateBatch(host, row, capacity: 1, draws: activeOutput(0));
        var batch = new ScoredBatch(transformer.Explainer, capacity: 1);
        long explained = -1;
        for (var i = 0; i < getters.Length; i++)
            getters[i] = activeOutput(i) ? transformer.Columns.Getter(i, batch, Explain) : null;
        return getters;

        int Explain()
        {
            if (explained == row.Position && explained >= 0)
                return 0;
            encoded.Clear();
            encoded.Take();
            encoded.Encode();
            batch.Score(encoded);
            batch.LogUnreadable(host); // immediately: PredictionEngine has no end of a pass
            explained = row.Position;
            return 0;
        }
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => _outputs;

    public ITransformer GetTransformer() => transformer;

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw host.ExceptNotSupp("A row mapper is made anew from its transformer; save the transformer.");
}
