using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Model.OnnxConverter;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>
/// The input with explanations added. Lazy: a cursor explains rows in batches; columns that are not requested cost nothing. The input is
/// read once.
/// </summary>
internal sealed class ExplainedDataView : ITransformCanSaveOnnx
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly ImageExplainingTransformer _transformer;
    private readonly DataViewSchema.Column[] _inputs;

    public ExplainedDataView(IHost host, IDataView input, ImageExplainingTransformer transformer)
    {
        _host = host;
        _input = input;
        _transformer = transformer;
        _inputs = transformer.ColumnsOf(input.Schema);
        Schema = transformer.OutputSchemaFor(input.Schema);
    }

    public DataViewSchema Schema { get; }

    // As ScoredDataView: the same rows in a batch give the same bits.
    public bool CanShuffle => false;

    IDataView IDataTransform.Source => _input;

    public long? GetRowCount() => _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
            active[CheckedIndex(column)] = true;
        DataViewSchema.Column[] passed = [.. _input.Schema.Where(column => active[column.Index])];
        var explainer = _transformer.Explainer;
        if (!active.AsSpan(_input.Schema.Count).Contains(true))
            return new ScoringCursor(_host, Schema, active, _input.GetRowCursor(passed), _transformer.Columns);

        // The heat is drawn when the picture is requested. The pixels of an image column would have to be copied for two batches.
        var draws = active[_input.Schema.Count];
        var mayLookAhead = passed.All(CarriedRows.CanCarry)
            && !(draws && _input.Schema[explainer.Pictures.Column].Type is ImageDataViewType);
        var batchSize = mayLookAhead ? explainer.BatchSize : 1;
        var cursor = _input.GetRowCursor(passed.Union(_inputs));
        try
        {
            var carried = new CarriedRows(cursor, mayLookAhead ? passed : [], places: 2 * batchSize);
            var ahead = new ReadAhead(cursor, carried, () => explainer.CreateBatch(_host, cursor, batchSize, draws), mayLookAhead);
            return new ScoringCursor(
                _host, Schema, active, cursor, _transformer.Columns, ahead, carried, new ScoredBatch(explainer, batchSize));
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    bool ICanSaveOnnx.CanSaveOnnx(OnnxContext ctx) => throw Refuse();

    void ISaveAsOnnx.SaveAsOnnx(OnnxContext ctx) => throw Refuse();

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw _host.ExceptNotSupp("Explained data are not saved with their transformer; save the transformer.");

    private Exception Refuse() => _host.ExceptNotSupp(
        "ConvertToOnnx cannot write explanations, which need gradients: leave ExplainImages out of the chain that is converted.");

    private int CheckedIndex(DataViewSchema.Column column) => column.Index < Schema.Count && Schema[column.Index].Name == column.Name
        ? column.Index
        : throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' is not of this data view.");
}
