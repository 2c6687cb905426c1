using System.Runtime.ExceptionServices;
using Microsoft.ML;
using MlNetFineTune.Data;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Reads a cursor in batches, once. While one batch is in the network, the next is encoded on other threads; but who asks for a few rows
/// alone, or for a preview, has little read: the first batch is small, and nothing is read beyond it before it is used up. Rows are taken
/// on the thread that asks.
/// </summary>
/// <param name="cursor">The input. Disposed here.</param>
/// <param name="carried">Takes what passes through, into two batches' places by turns.</param>
/// <param name="create">Makes a batch.</param>
/// <param name="mayLookAhead">Whether the cursor may stand beyond the row whose turn it is.</param>
internal sealed class ReadAhead(DataViewRowCursor cursor, CarriedRows carried, Func<EncodedBatch> create, bool mayLookAhead) : IDisposable
{
    private const int FirstRows = 64;
    private const int Growth = 4;

    private readonly EncodedBatch?[] _batches = new EncodedBatch?[2];
    private int _begun;
    private int _rows = FirstRows;
    private bool _ended;
    private ExceptionDispatchInfo? _failure;
    private (EncodedBatch Batch, int Place, Task Encoding)? _next;

    /// <returns>
    /// A batch, encoded, and the place of its first row among what is carried: both until the next call. Empty at the end. Where the
    /// input throws, the rows before come first, and then the exception.
    /// </returns>
    public (EncodedBatch Batch, int Place) Next()
    {
        var isFirst = _begun == 0;
        if (_next is not var (batch, place, encoding))
        {
            (batch, place) = Take();
            batch.Encode();
        }
        else
        {
            _next = null;
            encoding.GetAwaiter().GetResult(); // runs it here, if no thread has been free
        }
        if (batch.Count == 0)
            _failure?.Throw();
        if (mayLookAhead && !isFirst && !_ended)
        {
            var (other, otherPlace) = Take();
            _next = (other, otherPlace, Task.Run(other.Encode));
        }
        return (batch, place);
    }

    public void Dispose()
    {
        _next?.Encoding.ContinueWith(_ => { }, TaskScheduler.Default).Wait(); // it writes into what is given back now
        foreach (var batch in _batches)
            batch?.Dispose();
        cursor.Dispose();
    }

    private (EncodedBatch Batch, int Place) Take()
    {
        var turn = _begun++ % 2;
        var batch = _batches[turn] ??= create();
        var first = turn * batch.Capacity;
        var rows = Math.Min(_rows, batch.Capacity);
        _rows = Math.Min(_rows * Growth, batch.Capacity);
        batch.Clear();
        try
        {
            while (batch.Count < rows && !_ended)
            {
                if (!cursor.MoveNext())
                {
                    _ended = true;
                    break;
                }
                carried.Take(first + batch.Count);
                batch.Take();
            }
        }
        catch (Exception e)
        {
            (_ended, _failure) = (true, ExceptionDispatchInfo.Capture(e));
        }
        return (batch, first);
    }
}
