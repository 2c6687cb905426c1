using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Support;

/// <summary>Counts the cursors opened on a view, and may give another view for each.</summary>
internal sealed class CountingView(IDataView first, params IDataView[] others) : IDataView
{
    private int _cursors;

    public int Cursors => _cursors;

    public DataViewSchema Schema => first.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => first.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var turn = (Interlocked.Increment(ref _cursors) - 1) % (others.Length + 1);
        var view = turn == 0 ? first : others[turn - 1];
        return view.GetRowCursor(columnsNeeded.Select(column => view.Schema[column.Index]));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}
