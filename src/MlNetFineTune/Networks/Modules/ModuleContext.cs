namespace MlNetFineTune;

/// <summary>What a network is created for: its inputs and the length of its output.</summary>
/// <param name="Inputs">Shapes of the inputs, in the order of the arguments of the module's <c>forward</c>.</param>
/// <param name="Outputs">Numbers that the module must give for each row: the number of classes; 1 for binary classification and regression;
/// for a module that replaces a stage, the channels of that stage's output.</param>
public sealed record ModuleContext(IReadOnlyList<ModuleContext.InputShape> Inputs, int Outputs)
{
    /// <summary>The shape of one input of a module.</summary>
    /// <param name="Column">Name of the column that it is read from.</param>
    /// <param name="Dimensions">Shape of one row: [F] for numbers (a single number is a vector of one) unless another
    /// shape was given, [] for a key, [K] for a vector of keys, [3, S, S] for pictures. The module's tensors have the
    /// rows of the batch as first dimension before these.</param>
    /// <param name="KeyCount">
    /// For keys (Int64), the number of different indices and thus of rows of an embedding: 0 is the missing key, the keys are 1 to
    /// <c>KeyCount - 1</c>. 0 where the input is numbers (Float32).
    /// </param>
    public sealed record InputShape(string Column, IReadOnlyList<long> Dimensions, int KeyCount = 0)
    {
        /// <summary>The product of <see cref="Dimensions"/>: numbers of one row.</summary>
        /// <exception cref="OverflowException">It is above <see cref="int.MaxValue"/>.</exception>
        public int Size => checked((int)Dimensions.Aggregate(1L, (size, dimension) => size * dimension));
    }
}
