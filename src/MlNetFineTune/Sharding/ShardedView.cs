using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// The scored rows of all shards in the order of the data. Only the file of the current block is open, and its checksum is verified before
/// a row of it is read.
/// </summary>
internal sealed class ShardedView : IDataView
{
    private readonly IHost _host;
    private readonly ShardFolder _folder;
    private readonly long _rows;
    private readonly long _blocks;
    private readonly CancellationToken _cancellation;

    private ShardedView(IHost host, ShardFolder folder, DataViewSchema schema, long rows, CancellationToken cancellation)
    {
        (_host, _folder, Schema, _rows, _cancellation) = (host, folder, schema, rows, cancellation);
        _blocks = folder.Plan.Blocks.CountFor(rows);
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    /// <exception cref="InvalidOperationException">Shards are missing, or their data differ.</exception>
    /// <exception cref="InvalidDataException">A file is missing, damaged or foreign.</exception>
    public static ShardedView Open(IHostEnvironment env, string path, CancellationToken cancellation)
    {
        var host = env.Register(nameof(ShardedView));
        var folder = ShardFolder.Open(path);
        var complete = folder.Shards.Select(shard => (Shard: shard, Complete: folder.CompleteOf(shard))).ToList();
        if (complete.Where(one => one.Complete is null).Select(one => one.Shard.ToString()).ToList() is { Count: > 0 } missing)
        {
            throw new InvalidOperationException(
                $"{missing.Count} of {complete.Count} shards in '{path}' are not complete: {SafeText.Several(missing)}. Run "
                + "ml.Model.TransformSharded for them; it goes on after the blocks that are there.");
        }
        var (first, known) = (complete[0].Shard, complete[0].Complete!);
        foreach (var (shard, other) in complete)
        {
            if (other!.DataRows != known.DataRows)
            {
                throw new InvalidOperationException(
                    $"The shards in '{path}' have read different data: shard {first} {known.DataRows} rows, shard {shard} "
                    + $"{other.DataRows}. Score again with the same data in an empty folder.");
            }
            if (other.Sample != known.Sample)
            {
                throw new InvalidOperationException(
                    $"The shards in '{path}' have read different data, or the same rows in different orders: the first rows of blocks are "
                    + $"not the same in shards {first} and {shard}. Give each shard the same rows in the same order, and score again in an "
                    + "empty folder.");
            }
        }
        folder.VerifyNames(folder.Plan.Blocks.CountFor(known.DataRows));
        try
        {
            var schema = BinaryRows.Open(host, new MemoryStream(folder.Plan.Schema)).Schema; // reads annotations when they are asked for
            return new ShardedView(host, folder, schema, known.DataRows, cancellation);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or IOException)
        {
            throw new InvalidDataException($"The columns in '{path}' cannot be read: {SafeText.Message(e)}", e);
        }
    }

    public long? GetRowCount() => _rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
            active[column.Index] = true;
        return new Cursor(this, active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private BinaryLoader Open(long block)
    {
        FileStream? stream = null;
        try
        {
            stream = BlockFile.Open(_folder.PathOf(block), out var description);
            var rows = _folder.Plan.Blocks.RowsIn(block, _rows);
            if (description.Scoring != _folder.Identity || description.Block != block)
                throw new InvalidDataException("it is of another scoring or block");
            var loader = BinaryRows.Open(_host, stream);
            return description.Rows == rows && loader.GetRowCount() == rows && IsAlike(loader.Schema)
                ? loader
                : throw new InvalidDataException($"it has {loader.GetRowCount()} rows or other columns, and {rows} rows are expected");
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or InvalidOperationException or IOException)
        {
            stream?.Dispose();
            throw new InvalidDataException(
                $"'{_folder.PathOf(block)}' cannot be used: {SafeText.Message(e).TrimEnd('.')}. Run shard {_folder.OwnerOf(block)} again, "
                + "which scores what is damaged.", e);
        }
    }

    private bool IsAlike(DataViewSchema schema) => schema.Count == Schema.Count
        && schema.Zip(Schema).All(pair => pair.First.Name == pair.Second.Name && pair.First.Type.Equals(pair.Second.Type));

    private sealed class Cursor(ShardedView view, bool[] active) : DataViewRowCursor
    {
        private long _position = -1;
        private long _block = -1;
        private BinaryLoader? _loader;
        private DataViewRowCursor? _rows;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId id) => id = new DataViewRowId((ulong)Stand()._position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw view._host.ExceptParam(nameof(column), $"Column '{column.Name}' was not asked for when this cursor was made.");
            if (typeof(TValue) != column.Type.RawType)
                throw view._host.Except($"Column '{column.Name}' is of type {column.Type}, which is not read as {typeof(TValue)}.");
            var ofBlock = -1L;
            ValueGetter<TValue>? getter = null;
            return (ref TValue value) =>
            {
                if (ofBlock != Stand()._block)
                    (getter, ofBlock) = (_rows!.GetGetter<TValue>(_rows.Schema[column.Index]), _block);
                getter!(ref value);
            };
        }

        public override bool MoveNext()
        {
            view._cancellation.ThrowIfCancellationRequested();
            while (_rows is null || !_rows.MoveNext())
            {
                Close();
                if (_block + 1 >= view._blocks)
                {
                    _position = -1;
                    return false;
                }
                _loader = view.Open(++_block);
                _rows = _loader.GetRowCursor(_loader.Schema.Where(column => active[column.Index]));
            }
            _position++;
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                Close();
            base.Dispose(disposing);
        }

        private Cursor Stand() =>
            _position >= 0 ? this : throw view._host.Except("The cursor does not stand on a row: call MoveNext first.");

        private void Close()
        {
            _rows?.Dispose();
            _loader?.Dispose();
            (_rows, _loader) = (null, null);
        }
    }
}
