namespace MlNetFineTune.Processes;

/// <summary>
/// The part of a sequence that a process computes: consecutive elements, as many as those of every other process or one more. Where there
/// are fewer elements than processes, some are empty.
/// </summary>
internal static class Slice
{
    /// <summary>Places of the slice in a sequence of <paramref name="count"/> elements.</summary>
    public static Range Of(int count, int rank, int size) => Start(count, rank, size)..Start(count, rank + 1, size);

    /// <inheritdoc cref="Of(int, int, int)"/>
    public static Range Of(int count, ProcessGroup group) => Of(count, group.Rank, group.Size);

    private static int Start(int count, int rank, int size) => (int)((long)count * rank / size);
}
