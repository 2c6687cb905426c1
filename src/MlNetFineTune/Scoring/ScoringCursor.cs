using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>
/// A cursor over the scored data, on one cursor of the input. If score columns are active, rows are read in batches with their other active
/// columns; otherwise it moves with the input.
/// </summary>
internal sealed class ScoringCursor : DataViewRowCursor
{
    private readonly bool[] _active;
    private readonly DataViewRowCursor _input;
    private readonly ReadAhead? _ahead;
    private readonly CarriedRows? _carried;
    private readonly ScoredBatch? _batch;
    private readonly ScoreColumns _columns;
    private readonly IHost _host;
    private HeapPages? _pages;
    private ExceptionDispatchInfo? _failure;
    private int _index = -1;
    private int _place; // of the batch's first row in the carried rows
    private long _position = -1;
    private bool _disposed;

    /// <summary>A cursor without score columns.</summary>
    public ScoringCursor(IHost host, DataViewSchema schema, bool[] active, DataViewRowCursor input, ScoreColumns columns)
    {
        Schema = schema;
        _active = active;
        _input = input;
        _columns = columns;
        _host = host;
    }

    /// <summary>A cursor with score columns.</summary>
    public ScoringCursor(
        IHost host, DataViewSchema schema, bool[] active, DataViewRowCursor input, ScoreColumns columns,
        ReadAhead ahead, CarriedRows carried, ScoredBatch batch)
        : this(host, schema, active, input, columns)
    {
        _ahead = ahead;
        _carried = carried;
        _batch = batch;
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _position;

    public override long Batch => 0;

    // Columns before it are those of the input.
    private int ScoreColumn => _input.Schema.Count;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _carried?.IdGetter(PlaceAmongCarried) ?? _input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _failure?.Throw(); // rows may have been lost: the cursor cannot continue
        var moved = _batch is null ? _input.MoveNext() : MoveInBatch(_batch);
        _position = moved ? _position + 1 : -1;
        return moved;
    }

    private bool MoveInBatch(ScoredBatch batch)
    {
        if (++_index < batch.Count)
            return true;
        try
        {
            (var encoded, _place) = _ahead!.Next();
            if (_position >= 0) // not for a single batch
                _pages ??= HeapPages.Keep();
            batch.Score(encoded);
        }
        catch (Exception e)
        {
            (_failure, _position) = (ExceptionDispatchInfo.Capture(e), -1);
            throw;
        }
        _index = 0;
        return batch.Count > 0;
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' was not asked for when this cursor was made.");
        var getter = column.Index < ScoreColumn
            ? _carried?.Getter(column.Index, PlaceAmongCarried) ?? _input.GetGetter<TValue>(_input.Schema[column.Index])
            : _columns.Getter(column.Index - ScoreColumn, _batch!, PlaceOfRow);
        return getter as ValueGetter<TValue>
            ?? throw _host.Except($"Column '{column.Name}' is of type {column.Type}, which is not read as {typeof(TValue)}.");
    }

    private int PlaceOfRow() => _position >= 0 ? _index : throw _host.Except("The cursor does not stand on a row: call MoveNext first.");

    private int PlaceAmongCarried() => _place + PlaceOfRow();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
        {
            if (_ahead is null)
                _input.Dispose();
            _ahead?.Dispose();
            _batch?.LogUnreadable(_host);
            _batch?.LogCut(_host);
            _batch?.EndPass();
            _pages?.Dispose();
        }
        base.Dispose(disposing);
    }
}
