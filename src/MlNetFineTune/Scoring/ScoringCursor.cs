using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Walks two cursors over the input: one <i>ahead</i>, with the input columns alone, that fills a batch and has it scored; one <i>along</i>,
/// with the other columns asked for, that moves row by row. Row ids show that both are on the same row.
/// </summary>
internal sealed class ScoringCursor : DataViewRowCursor
{
    private readonly bool[] _active;
    private readonly DataViewRowCursor _along;
    private readonly ReadAhead? _ahead;
    private readonly ScoredBatch? _batch;
    private readonly ScoreColumns _columns;
    private readonly IHost _host;
    private readonly ValueGetter<DataViewRowId> _idAlong;
    private DataViewRowId[] _ids = [];
    private int _index = -1;
    private long _position = -1;
    private bool _disposed;

    public ScoringCursor(DataViewSchema schema, bool[] active, DataViewRowCursor along, ReadAhead? ahead, ScoredBatch? batch, ScoreColumns columns, IHost host)
    {
        Schema = schema;
        _active = active;
        _along = along;
        _ahead = ahead;
        _batch = batch;
        _columns = columns;
        _host = host;
        _idAlong = along.GetIdGetter();
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _position;

    public override long Batch => 0;

    // Those before it are the input's own.
    private int ScoreColumn => _along.Schema.Count;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _along.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var moved = _batch is null ? _along.MoveNext() : MoveBoth(_batch);
        _position = moved ? _position + 1 : -1;
        return moved;
    }

    private bool MoveBoth(ScoredBatch batch)
    {
        if (++_index >= batch.Count)
        {
            FillAhead(batch);
            _index = 0;
        }
        var moved = _along.MoveNext();
        if (batch.Count == 0)
            return moved ? throw ChangedData("has more rows than") : false;

        DataViewRowId id = default;
        if (moved)
            _idAlong(ref id);
        return moved && id.Equals(_ids[_index]) ? true : throw ChangedData(moved ? $"gave row {id} where it is {_ids[_index]} in" : "has fewer rows than");
    }

    private Exception ChangedData(string difference) => _host.Except(
        $"One pass over the data {difference} the other: they change from pass to pass. Put a cache (AppendCacheCheckpoint, or Data.Cache) before scoring.");

    private void FillAhead(ScoredBatch batch)
    {
        (var encoded, _ids) = _ahead!.Next();
        batch.Score(encoded);
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw _host.ExceptParam(nameof(column), $"Column '{column.Name}' was not asked for when this cursor was made.");
        if (column.Index < ScoreColumn)
            return _along.GetGetter<TValue>(_along.Schema[column.Index]);
        var getter = _columns.Getter(column.Index - ScoreColumn, _batch!, PlaceOfRow);
        return getter as ValueGetter<TValue>
            ?? throw _host.Except($"Column '{column.Name}' is of type {column.Type}, which is not read as {typeof(TValue)}.");
    }

    private int PlaceOfRow() => _position >= 0 ? _index : throw _host.Except("The cursor does not stand on a row: call MoveNext first.");

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
        {
            _along.Dispose();
            _ahead?.Dispose();
            _batch?.LogUnreadable(_host);
        }
        base.Dispose(disposing);
    }
}
