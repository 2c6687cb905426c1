using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Which rows of a network's tensor a file's tensor holds: libraries keep query, key and value apart
/// where others have one matrix of all three.
/// </summary>
/// <param name="Index">Index among equal parts along the first dimension, from 0.</param>
/// <param name="Count">Parts of the whole tensor; 1 where the file has it in one piece.</param>
internal readonly record struct TensorPart(int Index, int Count)
{
    public static TensorPart Whole => new(0, 1);

    /// <summary>Shape of this part, given the whole tensor's shape; a shape that cannot be divided matches nothing.</summary>
    public long[] ShapeIn(long[] whole) => Count == 1 ? whole : [whole[0] / Count, .. whole[1..]];

    /// <summary>The part itself, a view. The caller disposes it.</summary>
    public Tensor Of(Tensor whole)
    {
        var rows = whole.shape[0] / Count;
        return whole.narrow(0, Index * rows, rows);
    }

    public override string ToString() => Count == 1 ? "" : $" (part {Index + 1} of {Count})";
}
