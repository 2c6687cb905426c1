namespace MlNetFineTune.Processes;

/// <summary>A sum over processes that is computed while this process goes on.</summary>
/// <remarks>
/// It may be abandoned without <see cref="Wait"/>, and its buffer disposed, when another process has failed: an implementation keeps the
/// memory of the buffer alive until nothing writes to it any more.
/// </remarks>
internal abstract class PendingSum
{
    /// <summary>A sum that is complete.</summary>
    public static PendingSum Complete { get; } = new CompleteSum();

    /// <summary>
    /// Lets the sum progress, where nothing else does (OpenMPI has no thread for it). Returns at once.
    /// </summary>
    /// <returns>Whether the sum is complete.</returns>
    public abstract bool Progress();

    /// <summary>Waits until the sum is complete.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public abstract void Wait();

    private sealed class CompleteSum : PendingSum
    {
        public override bool Progress() => true;

        public override void Wait()
        {
        }
    }
}
