namespace MlNetFineTune.Data;

/// <summary>Encoded pictures of one step. Valid until the next batch is requested: the buffer is reused.</summary>
internal sealed class Batch(byte[] pixels, int[] rows)
{
    /// <summary>[<see cref="Count"/>, size, size, 3] bytes.</summary>
    public byte[] Pixels { get; } = pixels;

    /// <summary>Indices of the rows, in the order of <see cref="Pixels"/>; rows that could not be read are left out.</summary>
    public int[] Rows { get; } = rows;

    public int Count => Rows.Length;
}
