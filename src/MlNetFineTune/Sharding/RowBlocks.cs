using MlNetFineTune.Scoring;

namespace MlNetFineTune.Sharding;

/// <summary>
/// Division of rows into blocks of consecutive rows, without knowledge of their number: block k belongs to shard k mod n. Blocks begin and
/// end where the batches of one pass over all rows do, so that a network scores the same batches whatever the number of shards.
/// </summary>
/// <param name="First">Number of rows in the first block, which has the smaller batches at the beginning of a pass besides.</param>
/// <param name="Rows">Number of rows in every other block.</param>
internal sealed record RowBlocks(int First, int Rows)
{
    /// <param name="atLeast">Smallest number of rows in a block.</param>
    /// <param name="batch">Number of rows in a full batch.</param>
    public static RowBlocks Of(int atLeast, int batch)
    {
        var rows = (atLeast + batch - 1) / batch * batch;
        return new(ReadAhead.RowsBeforeFullBatches(batch) + rows, rows);
    }

    /// <summary>Number of rows in a block that does not end with the data.</summary>
    public int RowsOf(long block) => block == 0 ? First : Rows;

    /// <summary>Index of the first row of a block.</summary>
    public long StartOf(long block) => block == 0 ? 0 : First + (block - 1) * Rows;

    /// <summary>Number of blocks of the data.</summary>
    public long CountFor(long rows) => rows <= 0 ? 0 : rows <= First ? 1 : 1 + (rows - First + Rows - 1) / Rows;

    /// <summary>Number of rows in a block of the data.</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="rows">Number of rows of the data.</param>
    public int RowsIn(long block, long rows) => (int)Math.Min(RowsOf(block), rows - StartOf(block));
}
