using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Model.OnnxConverter;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The input with scores or explanations added. Lazy: a cursor computes batches of rows as it moves, and only if added columns are active.
/// The input is read once.
/// </summary>
/// <remarks>
/// ML.NET's ONNX converter walks back over the data transforms that can save themselves, and takes the first other view for the source
/// data. A view that did not implement this interface would be missing from the file.
/// </remarks>
internal sealed class ScoredDataView : ITransformCanSaveOnnx
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly RowScoring _scoring;
    private readonly DataViewSchema.Column[] _inputs;

    public ScoredDataView(IDataView input, RowScoring scoring)
    {
        _host = scoring.Host;
        _input = input;
        _scoring = scoring;
        _inputs = scoring.Input.ColumnsOf(_host, input.Schema);
        Schema = scoring.OutputSchemaFor(input.Schema);
    }

    public DataViewSchema Schema { get; }

    // Scores are bit-identical only if the batches consist of the same rows, so the order is fixed.
    public bool CanShuffle => false;

    IDataView IDataTransform.Source => _input;

    public long? GetRowCount() => _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
            active[CheckedIndex(column)] = true;
        DataViewSchema.Column[] passed = [.. _input.Schema.Where(column => active[column.Index])];
        if (!active.AsSpan(_input.Schema.Count).Contains(true))
            return new ScoringCursor(_host, Schema, active, _input.GetRowCursor(passed), _scoring.Columns);

        // If a value is not valid after its row, the input cursor stays at the output row and returns the value itself.
        var mayLookAhead = passed.All(CarriedRows.CanCarry) && _scoring.MayLookAhead(_input.Schema, IsActiveOutput);
        var batchSize = mayLookAhead ? _scoring.BatchSize : 1;
        var cursor = _input.GetRowCursor(passed.Union(_inputs));
        try
        {
            var carried = new CarriedRows(cursor, mayLookAhead ? passed : [], places: 2 * batchSize);
            var ahead = new ReadAhead(
                cursor, carried, () => _scoring.CreateBatch(cursor, batchSize, IsActiveOutput), mayLookAhead, ContinuingRows.Are(_input));
            var batch = new ScoredBatch(_scoring.Scorer, batchSize, _scoring.Cache);
            return new ScoringCursor(_host, Schema, active, cursor, _scoring.Columns, ahead, carried, batch);
        }
        catch
        {
            cursor.Dispose();
            throw;
        }

        bool IsActiveOutput(int column) => active[_input.Schema.Count + column];
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    bool ICanSaveOnnx.CanSaveOnnx(OnnxContext ctx) => throw Refuse();

    void ISaveAsOnnx.SaveAsOnnx(OnnxContext ctx) => throw Refuse();

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw _host.ExceptNotSupp($"{_scoring.DataName} are not saved with their transformer; save the transformer.");

    private Exception Refuse() => _host.ExceptNotSupp(_scoring.OnnxRefusal);

    private int CheckedIndex(DataViewSchema.Column column) => column.Index < Schema.Count && Schema[column.Index].Name == column.Name
        ? column.Index
        : throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' is not of this data view.");
}
