using System.Runtime.ExceptionServices;
using Microsoft.ML;
using MlNetFineTune.Data;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Reads a cursor once, in batches. While one batch is in the network, the next is encoded on other threads. The first batch is small, and
/// nothing beyond it is read before it is used up, so that a preview or a caller that needs only a few rows does not read many. Rows are
/// read on the calling thread.
/// </summary>
/// <param name="cursor">The input cursor. Disposed here.</param>
/// <param name="carried">Stores the values that pass through, alternately at the places of two batches.</param>
/// <param name="create">Creates a batch.</param>
/// <param name="mayLookAhead">Whether the input cursor may be ahead of the output row.</param>
/// <param name="continues">Whether the rows continue others, so that the first batch is full.</param>
internal sealed class ReadAhead(
    DataViewRowCursor cursor, CarriedRows carried, Func<EncodedBatch> create, bool mayLookAhead, bool continues = false) : IDisposable
{
    private const int FirstRows = 64;
    private const int Growth = 4;

    private readonly EncodedBatch?[] _batches = new EncodedBatch?[2];
    private int _begun;
    private int _rows = continues ? int.MaxValue / Growth : FirstRows;
    private bool _ended;
    private ExceptionDispatchInfo? _failure;
    private (EncodedBatch Batch, int Place, Task Encoding)? _next;

    /// <summary>Number of rows in the smaller batches at the beginning of a pass, before the first full one.</summary>
    /// <param name="capacity">Number of rows in a full batch.</param>
    public static int RowsBeforeFullBatches(int capacity)
    {
        var sum = 0;
        for (var rows = FirstRows; rows < capacity; rows *= Growth)
            sum += rows;
        return sum;
    }

    /// <returns>
    /// An encoded batch and the place of its first row in the carried rows, both valid until the next call. Empty at the end. If the input
    /// throws, the rows before it are returned first, then the exception is thrown.
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
            encoding.GetAwaiter().GetResult(); // runs here if it has not started yet
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
        _next?.Encoding.ContinueWith(_ => { }, TaskScheduler.Default).Wait(); // it writes into buffers that are released now
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
