using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Reads a cursor in batches. While one batch is in the network, the next is encoded on other threads; but who asks for the first alone, for one row or a preview, has no other read.
/// Rows are taken on the thread that asks.
/// </summary>
internal sealed class ReadAhead(DataViewRowCursor cursor, Func<EncodedBatch> create) : IDisposable
{
    private readonly ValueGetter<DataViewRowId> _idGetter = cursor.GetIdGetter();
    private readonly (EncodedBatch Batch, DataViewRowId[] Ids)?[] _places = new (EncodedBatch, DataViewRowId[])?[2];
    private int _begun;
    private (EncodedBatch Batch, DataViewRowId[] Ids, Task Encoding)? _next;

    /// <returns>A batch, encoded, and the ids of its rows: both until the next call. Empty at the end.</returns>
    public (EncodedBatch Batch, DataViewRowId[] Ids) Next()
    {
        var isFirst = _begun == 0;
        if (_next is not var (batch, ids, encoding))
        {
            (batch, ids) = Take();
            batch.Encode();
        }
        else
        {
            _next = null;
            encoding.GetAwaiter().GetResult(); // runs it here, if no thread has been free
        }
        if (!isFirst && batch.Count == batch.Capacity)
        {
            var (other, otherIds) = Take();
            _next = (other, otherIds, Task.Run(other.Encode));
        }
        return (batch, ids);
    }

    public void Dispose()
    {
        _next?.Encoding.ContinueWith(_ => { }, TaskScheduler.Default).Wait(); // it writes into what is given back now
        foreach (var place in _places)
            place?.Batch.Dispose();
        cursor.Dispose();
    }

    private (EncodedBatch, DataViewRowId[]) Take()
    {
        var place = _begun++ % 2;
        var (batch, ids) = _places[place] ??= Create();
        batch.Clear();
        while (batch.Count < batch.Capacity && cursor.MoveNext())
        {
            _idGetter(ref ids[batch.Count]);
            batch.Take();
        }
        return (batch, ids);
    }

    private (EncodedBatch, DataViewRowId[]) Create()
    {
        var batch = create();
        return (batch, new DataViewRowId[batch.Capacity]);
    }
}
