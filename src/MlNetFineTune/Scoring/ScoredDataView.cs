using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>The input with scores added. Lazy: a cursor scores as it moves, many rows at a time; columns nobody asks for cost nothing.</summary>
internal sealed class ScoredDataView : IDataView
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly FineTuningTransformer _transformer;
    private readonly DataViewSchema.Column[] _inputs;

    public ScoredDataView(IHost host, IDataView input, FineTuningTransformer transformer)
    {
        _host = host;
        _input = input;
        _transformer = transformer;
        _inputs = transformer.Inputs.ColumnsOf(host, input.Schema);
        Schema = transformer.OutputSchemaFor(input.Schema);
    }

    public DataViewSchema Schema { get; }

    // Reading ahead and reading along must see the same order.
    public bool CanShuffle => false;

    public long? GetRowCount() => _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
            active[CheckedIndex(column)] = true;
        var passed = _input.Schema.Where(column => active[column.Index]);
        var along = _input.GetRowCursor(passed);
        if (!active.AsSpan(_input.Schema.Count).Contains(true))
            return new ScoringCursor(Schema, active, along, ahead: null, batch: null, _transformer.Columns, _host);

        try
        {
            var cursor = _input.GetRowCursor(_inputs);
            var ahead = new ReadAhead(cursor, () => _transformer.CreateBatch(cursor, _transformer.BatchSize));
            return new ScoringCursor(Schema, active, along, ahead, new ScoredBatch(_transformer.Scorer, _transformer.BatchSize), _transformer.Columns, _host);
        }
        catch
        {
            along.Dispose();
            throw;
        }
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private int CheckedIndex(DataViewSchema.Column column) => column.Index < Schema.Count && Schema[column.Index].Name == column.Name
        ? column.Index
        : throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' is not of this data view.");
}
