using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Sharding;

/// <summary>
/// Scored rows of one cursor, given out as one data view for each block. So a block is written while the network already computes the next
/// rows, and the input is read once.
/// </summary>
internal sealed class ScoredRows : IDisposable
{
    private readonly DataViewRowCursor _cursor;
    private readonly DataViewSchema.Column[] _columns;
    private readonly DataViewSchema _schema;
    private readonly CancellationToken _cancellation;
    private bool _isAhead; // the cursor stands on a row that no block has had

    /// <param name="scored">The scored data.</param>
    /// <param name="columns">Their columns that are written.</param>
    /// <param name="cancellation">Checked at each row.</param>
    public ScoredRows(IDataView scored, DataViewSchema.Column[] columns, CancellationToken cancellation)
    {
        (_columns, _cancellation) = (columns, cancellation);
        // Annotations are in the plan: a block of few rows would repeat all key values and slot names.
        var builder = new DataViewSchema.Builder();
        foreach (var column in columns)
            builder.AddColumn(column.Name, column.Type);
        _schema = builder.ToSchema();
        _cursor = scored.GetRowCursor(columns);
    }

    /// <summary>Whether there is a further row.</summary>
    public bool HasMore()
    {
        _cancellation.ThrowIfCancellationRequested();
        return _isAhead = _isAhead || _cursor.MoveNext();
    }

    /// <summary>The next rows, for one cursor.</summary>
    /// <param name="most">Largest number of rows.</param>
    public Block Next(int most) => new(this, most);

    public void Dispose() => _cursor.Dispose();

    private bool MoveNext()
    {
        var moved = HasMore();
        _isAhead = false;
        return moved;
    }

    /// <summary>Rows of a block.</summary>
    public sealed class Block(ScoredRows rows, int most) : IDataView
    {
        /// <summary>Number of rows that have been read.</summary>
        public int Count { get; private set; }

        public DataViewSchema Schema => rows._schema;

        public bool CanShuffle => false;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
            new Cursor(this, rows);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];

        private bool MoveNext()
        {
            if (Count == most || !rows.MoveNext())
                return false;
            Count++;
            return true;
        }

        private sealed class Cursor(Block block, ScoredRows rows) : DataViewRowCursor
        {
            private long _position = -1;

            public override long Position => _position;

            public override long Batch => 0;

            public override DataViewSchema Schema => block.Schema;

            public override bool IsColumnActive(DataViewSchema.Column column) => true;

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
                rows._cursor.GetGetter<TValue>(rows._columns[column.Index]);

            public override ValueGetter<DataViewRowId> GetIdGetter() => rows._cursor.GetIdGetter();

            public override bool MoveNext()
            {
                var moved = block.MoveNext();
                _position = moved ? _position + 1 : -1;
                return moved;
            }
        }
    }
}
