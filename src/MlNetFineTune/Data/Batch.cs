namespace MlNetFineTune.Data;

/// <summary>The encoded samples of one batch. Valid until the next batch is requested: the buffer is reused.</summary>
internal sealed class Batch(byte[] samples, int[] rows)
{
    /// <summary>The samples, in the order of <see cref="Rows"/>; the array may be longer.</summary>
    public byte[] Samples { get; } = samples;

    /// <summary>Indices of the rows, without rows that could not be read.</summary>
    public int[] Rows { get; } = rows;

    public int Count => Rows.Length;
}
