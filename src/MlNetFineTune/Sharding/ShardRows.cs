using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Sharding;

/// <summary>
/// The rows of some blocks of the data, for one cursor. The others are passed over without reading a value, except for a sample of the
/// first row of each block.
/// </summary>
/// <param name="data">The data.</param>
/// <param name="blocks">Their blocks.</param>
/// <param name="isWanted">Whether the rows of a block are wanted.</param>
/// <param name="pass">Learns what the cursor sees.</param>
internal sealed class ShardRows(IDataView data, RowBlocks blocks, Func<long, bool> isWanted, BlockPass pass) : ContinuingRows.IView
{
    private bool _isRead;

    public DataViewSchema Schema => data.Schema;

    public bool CanShuffle => false;

    public bool Continue => !isWanted(0);

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        if (_isRead)
        {
            throw new InvalidOperationException(
                "A transformer reads its input more than once in one pass, and the rows of a shard are read once. Score with it in one "
                + "process.");
        }
        _isRead = true;
        return new Cursor(data.GetRowCursor(columnsNeeded), blocks, isWanted, pass);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly DataViewRowCursor _input;
        private readonly RowBlocks _blocks;
        private readonly Func<long, bool> _isWanted;
        private readonly BlockPass _pass;
        private readonly RowSample _sample;
        private long _position = -1;
        private long _block = -1;
        private int _left; // rows of the current block after the current row
        private bool _isCurrentWanted;
        private bool _ended;

        public Cursor(DataViewRowCursor input, RowBlocks blocks, Func<long, bool> isWanted, BlockPass pass)
        {
            (_input, _blocks, _isWanted, _pass) = (input, blocks, isWanted, pass);
            _sample = new RowSample(input);
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => _input.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _input.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _input.GetGetter<TValue>(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override bool MoveNext()
        {
            while (MoveInput())
            {
                if (_left > 0)
                {
                    _left--;
                }
                else
                {
                    _left = _blocks.RowsOf(++_block) - 1;
                    _isCurrentWanted = _isWanted(_block);
                    _pass.Begin(_block, _sample.Take(), _isCurrentWanted);
                }
                if (_isCurrentWanted)
                {
                    _position++;
                    return true;
                }
            }
            _position = -1;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _input.Dispose();
            base.Dispose(disposing);
        }

        private bool MoveInput()
        {
            _pass.Cancellation.ThrowIfCancellationRequested();
            if (_ended || !_input.MoveNext())
            {
                _ended = true;
                return false;
            }
            _pass.CountRow();
            return true;
        }
    }
}
