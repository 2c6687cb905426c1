namespace MlNetFineTune.Data;

/// <summary>Shape of a column of sequences.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="Step">Dimensions of one step; none for single numbers and keys.</param>
/// <param name="MaximumLength">Largest number of steps; longer rows are truncated.</param>
/// <param name="KeyCount">Number of key values including the missing one; 0 for numbers.</param>
internal sealed record SequenceShape(string Column, IReadOnlyList<long> Step, int MaximumLength, int KeyCount)
{
    /// <summary>Largest number of values in a row: 256 MB.</summary>
    public const long MostNumbers = 1L << 26;

    /// <summary>Numbers of one step.</summary>
    public int StepSize { get; } = checked((int)Step.Aggregate(1L, (size, dimension) => checked(size * dimension)));

    /// <summary>Bytes of an encoded sample with the given number of steps: the number, then the values.</summary>
    public int BytesOf(int steps) => checked(sizeof(int) + steps * StepSize * sizeof(float));

    /// <summary>Shape of one row of the tensor of steps, with the largest number of steps.</summary>
    public ModuleContext.InputShape Values => new(Column, [MaximumLength, .. Step], KeyCount);

    /// <summary>Shape of one row of the mask.</summary>
    public ModuleContext.InputShape Mask => new(Column + ".Mask", [MaximumLength]);
}
