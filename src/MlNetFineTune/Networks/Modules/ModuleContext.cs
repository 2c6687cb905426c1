namespace MlNetFineTune;

/// <summary>What a network is made for.</summary>
/// <param name="Inputs">In the order in which the module takes them.</param>
/// <param name="Outputs">
/// Numbers that the module must give for a row: the number of classes; 1 for binary classification and regression; in the place of a stage,
/// its channels.
/// </param>
public sealed record ModuleContext(IReadOnlyList<ModuleContext.InputShape> Inputs, int Outputs)
{
    /// <summary>One input of a module.</summary>
    /// <param name="Column">Its column.</param>
    /// <param name="Dimensions">
    /// Of one row: [F] for numbers (a single number counts as a vector of one), as stated where a shape was, [] for a key, [K] for a vector
    /// of keys, [3, S, S] for pictures. The module sees one dimension more, the rows, before these.
    /// </param>
    /// <param name="KeyCount">
    /// For keys, the number of different indices, and so of rows that an embedding needs: 0 is the missing key, and the keys are 1 to
    /// KeyCount - 1 (type Int64). 0 where the input is numbers (type Float32).
    /// </param>
    public sealed record InputShape(string Column, IReadOnlyList<long> Dimensions, int KeyCount = 0)
    {
        /// <summary>Numbers of one row.</summary>
        public int Size => checked((int)Dimensions.Aggregate(1L, (size, dimension) => size * dimension));
    }
}
