namespace MlNetFineTune.Data;

/// <summary>A column of sequences as a module sees it.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Step">Dimensions of one step; none for single numbers and keys.</param>
/// <param name="MaximumLength">Steps that enter at most: the first so many.</param>
/// <param name="KeyCount">Values of a key and the missing one; 0 for numbers.</param>
internal sealed record SequenceShape(string Column, IReadOnlyList<long> Step, int MaximumLength, int KeyCount)
{
    /// <summary>Numbers of a row at most: 256 MB, of which a batch has many.</summary>
    public const long MostNumbers = 1L << 26;

    /// <summary>Numbers of one step.</summary>
    public int StepSize { get; } = checked((int)Step.Aggregate(1L, (size, dimension) => checked(size * dimension)));

    /// <summary>Bytes of an encoded sample of so many steps: their number, then their values.</summary>
    public int BytesOf(int steps) => checked(sizeof(int) + steps * StepSize * sizeof(float));

    /// <summary>The tensor of the steps, one row of it: as long as the longest row of the batch.</summary>
    public ModuleContext.InputShape Values => new(Column, [MaximumLength, .. Step], KeyCount);

    /// <summary>The tensor that tells steps from padding.</summary>
    public ModuleContext.InputShape Mask => new(Column + ".Mask", [MaximumLength]);
}
