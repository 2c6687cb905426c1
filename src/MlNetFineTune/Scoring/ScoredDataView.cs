using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Model.OnnxConverter;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The input with scores added. Lazy: a cursor scores as it moves, many rows at a time; columns nobody asks for cost nothing. The input
/// is read once, whatever is asked for.
/// </summary>
/// <remarks>ML.NET's ONNX converter walks back over data transforms that can save themselves, and takes the first view that is none for
/// the data: what is no such transform vanishes from the file.</remarks>
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

    // A row's score has the same bits only among the same rows, so they come in one order.
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

        // Where a value does not outlive its row, the input stands on the row whose turn it is, and gives it itself.
        var mayLookAhead = passed.All(CarriedRows.CanCarry);
        var batchSize = mayLookAhead ? _scoring.BatchSize : 1;
        var cursor = _input.GetRowCursor(passed.Union(_inputs));
        try
        {
            var carried = new CarriedRows(cursor, mayLookAhead ? passed : [], places: 2 * batchSize);
            var ahead = new ReadAhead(cursor, carried, () => _scoring.CreateBatch(cursor, batchSize), mayLookAhead);
            var batch = new ScoredBatch(_scoring.Scorer, batchSize, _scoring.Cache);
            return new ScoringCursor(_host, Schema, active, cursor, _scoring.Columns, ahead, carried, batch);
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
        throw _host.ExceptNotSupp("Scored data are not saved with their transformer; save the transformer.");

    private Exception Refuse() => _host.ExceptNotSupp(
        $"ConvertToOnnx cannot write the network of {_scoring.Transformer.GetType().Name}. {_scoring.OnnxAdvice}");

    private int CheckedIndex(DataViewSchema.Column column) => column.Index < Schema.Count && Schema[column.Index].Name == column.Name
        ? column.Index
        : throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' is not of this data view.");
}
