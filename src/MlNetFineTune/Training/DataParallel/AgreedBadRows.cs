using System.Text.Json;

namespace MlNetFineTune.Training;

/// <summary>
/// The rows that could not be read, exchanged between the processes after each batch, so that all know the same ones in the order of one
/// process, and the rows that are left of every batch.
/// </summary>
/// <param name="processes">The processes.</param>
/// <param name="onBadRow">
/// Called for each row that could not be read in any process, in the order of the batch; may throw, in all processes.
/// </param>
internal sealed class AgreedBadRows(ProcessGroup processes, Action<int, string> onBadRow)
{
    private readonly List<BadRow> _own = [];

    /// <summary>Records a row that this process could not read.</summary>
    public void Add(int row, string reason)
    {
        if (processes.IsSeveral)
            _own.Add(new(row, reason));
        else
            onBadRow(row, reason);
    }

    /// <summary>
    /// The rows of a batch that could be read, in the order of the batch. To be called after each batch, in all processes.
    /// </summary>
    /// <param name="batch">Rows of the whole batch.</param>
    /// <param name="read">Its rows that this process has read, which are all of them if it is alone.</param>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public int[] RowsOf(int[] batch, int[] read)
    {
        if (!processes.IsSeveral)
            return read;
        if (!processes.Any(_own.Count > 0))
            return batch;
        var reasons = new Dictionary<int, string>();
        foreach (var ofProcess in processes.Gather(JsonSerializer.SerializeToUtf8Bytes(_own)))
        {
            foreach (var (row, reason) in JsonSerializer.Deserialize<List<BadRow>>(ofProcess)!)
                reasons.TryAdd(row, reason); // a row may be read in several processes
        }
        _own.Clear();
        foreach (var row in batch.Where(reasons.ContainsKey))
            AgreedFailure.In(() => onBadRow(row, reasons[row]));
        return [.. batch.Where(row => !reasons.ContainsKey(row))];
    }

    private sealed record BadRow(int Row, string Reason);
}
