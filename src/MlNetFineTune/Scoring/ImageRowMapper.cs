using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>One row at a time, for <c>PredictionEngine</c> and whatever else asks for a row-to-row mapper.</summary>
internal sealed class ImageRowMapper(IHost host, ImageFineTuningTransformer transformer, DataViewSchema input) : IRowMapper
{
    private readonly DataViewSchema.Column _image = transformer.CheckImageColumn(input);
    private readonly DataViewSchema.DetachedColumn[] _outputs = transformer.CreateOutputColumns(input);

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) =>
        column => column == _image.Index && Enumerable.Range(0, _outputs.Length).Any(activeOutput);

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        var getters = new Delegate?[_outputs.Length];
        if (!Enumerable.Range(0, _outputs.Length).Any(activeOutput))
            return getters;

        // All columns come from one forward pass. Nothing is kept from row to row but the buffers.
        var batch = transformer.CreateBatch(row, _image, capacity: 1);
        long scored = -1;
        if (activeOutput(0))
        {
            getters[0] = (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            {
                Score();
                Scores.Copy(batch.ScoresOf(0), ref value);
            });
        }
        if (activeOutput(1))
        {
            getters[1] = (ValueGetter<uint>)((ref uint value) =>
            {
                Score();
                value = batch.PredictedKeyOf(0);
            });
        }
        if (_outputs.Length > 2 && activeOutput(2))
        {
            getters[2] = (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
            {
                Score();
                value = batch.StatusOf(0);
            });
        }
        return getters;

        void Score()
        {
            if (scored == row.Position && scored >= 0)
                return;
            batch.Clear();
            batch.Take();
            batch.Score();
            batch.LogUnreadable(host); // at once: PredictionEngine does not say when it is done
            scored = row.Position;
        }
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => _outputs;

    public ITransformer GetTransformer() => transformer;

    void ICanSaveModel.Save(ModelSaveContext ctx) => throw host.ExceptNotSupp("A row mapper is made anew from its transformer; save the transformer.");
}
