using System.Numerics.Tensors;

namespace MlNetFineTune.Search;

/// <summary>
/// Vectors of length 1 in blocks of about 1 MiB, so that they grow without being copied and are not limited by the largest array.
/// </summary>
internal sealed class UnitVectors(int dimension)
{
    private readonly int _rowsOfBlock = Math.Max(1, (1 << 18) / dimension);
    private readonly List<float[]> _blocks = [];

    public int Count { get; private set; }

    public int Blocks => (Count + _rowsOfBlock - 1) / _rowsOfBlock;

    public Span<float> this[int row] => _blocks[row / _rowsOfBlock].AsSpan(row % _rowsOfBlock * dimension, dimension);

    /// <summary>The rows of a block.</summary>
    public (int Begin, int End) RowsOf(int block) => (block * _rowsOfBlock, Math.Min((block + 1) * _rowsOfBlock, Count));

    /// <summary>A new row, whose values the caller writes.</summary>
    public Span<float> Append()
    {
        if (Count == _blocks.Count * _rowsOfBlock)
            _blocks.Add(new float[_rowsOfBlock * dimension]);
        return this[Count++];
    }

    /// <summary>Overwrites a row by the last one, which is removed.</summary>
    public void RemoveBySwap(int row)
    {
        this[Count - 1].CopyTo(this[row]);
        Count--;
        if (_blocks.Count > Blocks + 1) // one spare block, so that adding and removing by turns does not allocate
            _blocks.RemoveAt(_blocks.Count - 1);
    }

    /// <summary>Divides by the Euclidean length.</summary>
    /// <returns>False if the vector has no direction: it is zero or not finite.</returns>
    public static bool TryNormalize(ReadOnlySpan<float> vector, Span<float> unit)
    {
        // Divided by the largest first: squares of large and of small numbers leave the range of Single.
        var largest = TensorPrimitives.MaxMagnitude(vector); // NaN if one is
        if (!(float.Abs(largest) is > 0 and < float.PositiveInfinity))
            return false;
        TensorPrimitives.Divide(vector, float.Abs(largest), unit);
        TensorPrimitives.Divide(unit, TensorPrimitives.Norm<float>(unit), unit);
        return true;
    }
}
