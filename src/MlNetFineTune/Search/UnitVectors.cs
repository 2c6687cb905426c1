using System.Numerics.Tensors;

namespace MlNetFineTune.Search;

/// <summary>
/// Vectors of length 1 in blocks of about 1 MiB, so that adding does not copy them and their number is not limited by the maximum array
/// size.
/// </summary>
internal sealed class UnitVectors(int dimension)
{
    // With fewer numbers than this, starting threads takes longer than the comparison.
    private const long WorthThreads = 1 << 20;

    private readonly int _rowsOfBlock = Math.Max(1, (1 << 18) / dimension);
    private readonly List<float[]> _blocks = [];

    public int Count { get; private set; }

    public int Blocks => (Count + _rowsOfBlock - 1) / _rowsOfBlock;

    public Span<float> this[int row] => _blocks[row / _rowsOfBlock].AsSpan(row % _rowsOfBlock * dimension, dimension);

    /// <summary>The rows of a block.</summary>
    public (int Begin, int End) RowsOf(int block) => (block * _rowsOfBlock, Math.Min((block + 1) * _rowsOfBlock, Count));

    /// <summary>Cosine similarity of a row and a vector of length 1.</summary>
    public float SimilarityOf(int row, ReadOnlySpan<float> unit) => TensorPrimitives.Dot(unit, this[row]);

    /// <summary>Runs over all rows in blocks of consecutive rows, on all cores if there are enough numbers.</summary>
    /// <param name="begin">Creates the state of a thread.</param>
    /// <param name="run">Processes the rows from the first to before the second.</param>
    /// <param name="end">Merges the state of a thread; called by one thread at a time, in any order.</param>
    public void ForEachBlock<T>(Func<T> begin, Action<int, int, T> run, Action<T> end)
    {
        if (Count * (long)dimension < WorthThreads)
        {
            var state = begin();
            for (var block = 0; block < Blocks; block++)
                Run(block, state);
            end(state);
            return;
        }
        var merging = new Lock();
        Parallel.For(0, Blocks, begin, (block, _, own) => Run(block, own), own =>
        {
            lock (merging)
                end(own);
        });

        T Run(int block, T state)
        {
            var (first, last) = RowsOf(block);
            run(first, last, state);
            return state;
        }
    }

    /// <summary>Adds a row, whose values the caller writes.</summary>
    public Span<float> Append()
    {
        if (Count == _blocks.Count * _rowsOfBlock)
            _blocks.Add(new float[_rowsOfBlock * dimension]);
        return this[Count++];
    }

    /// <summary>Removes a row by replacing it with the last one.</summary>
    public void RemoveBySwap(int row)
    {
        this[Count - 1].CopyTo(this[row]);
        Count--;
        if (_blocks.Count > Blocks + 1) // keeps one spare block, so that alternate adding and removing does not allocate
            _blocks.RemoveAt(_blocks.Count - 1);
    }

    /// <summary>Divides a vector by its Euclidean norm.</summary>
    /// <returns>False if the vector has no direction: it is zero or not finite.</returns>
    public static bool TryNormalize(ReadOnlySpan<float> vector, Span<float> unit)
    {
        // Divided by the largest magnitude first: squares of large and small numbers overflow or underflow in Single.
        var largest = TensorPrimitives.MaxMagnitude(vector); // NaN if one is
        if (!(float.Abs(largest) is > 0 and < float.PositiveInfinity))
            return false;
        TensorPrimitives.Divide(vector, float.Abs(largest), unit);
        TensorPrimitives.Divide(unit, TensorPrimitives.Norm<float>(unit), unit);
        return true;
    }
}
