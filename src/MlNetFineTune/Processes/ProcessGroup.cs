using System.Text;
using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// The processes that train one model together (data parallelism): each computes the gradients of its slice of every batch, and all make
/// the same steps with their sum. <see cref="Single"/> is one process alone. Package <c>MlNetFineTune.Distributed</c> has groups of
/// several.
/// </summary>
/// <remarks>
/// All processes run the same program with the same options and the same data in the same order. Internally every operation is collective:
/// all processes call the same operations in the same order, by one thread at a time. That thread may change: on a GPU libtorch runs the
/// backward pass of BatchNorm, which sums over processes, on a thread of its own.
/// </remarks>
public abstract class ProcessGroup
{
    internal ProcessGroup()
    {
    }

    /// <summary>One process alone. The default.</summary>
    public static ProcessGroup Single { get; } = new SingleProcess();

    /// <summary>Number of this process, from 0 to <see cref="Size"/> - 1. Process 0 writes models, checkpoints and records.</summary>
    public abstract int Rank { get; }

    /// <summary>Number of processes, at least 1.</summary>
    public abstract int Size { get; }

    /// <summary>Whether there are other processes.</summary>
    internal bool IsSeveral => Size > 1;

    /// <summary>Whether this process writes models, checkpoints, records and progress.</summary>
    internal bool IsFirst => Rank == 0;

    /// <summary>The processes, this one included, that may use the same cores of a machine.</summary>
    internal virtual int CoreSharers => 1;

    /// <summary>What the training does now, for the message of a <see cref="ProcessGroupException"/>.</summary>
    internal virtual string Position { get; set; } = "";

    /// <summary>Says on which device this process trains from now on. Collective.</summary>
    internal virtual void ComputesOn(Device device)
    {
    }

    /// <summary>Replaces numbers by their sums over all processes, the same bits in each.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    internal abstract void Sum(Span<double> values);

    /// <summary>Starts replacing the numbers of a tensor by their sums over all processes, the same bits in each.</summary>
    /// <param name="buffer">
    /// A contiguous tensor of 32-bit floats, which is not touched before <see cref="PendingSum.Wait"/> returns. A caller that gives up
    /// waiting may dispose it at any time: the implementation keeps the memory alive for as long as another process or a library may
    /// still write to it.
    /// </param>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    internal abstract PendingSum StartSum(Tensor buffer);

    /// <summary>The bytes of every process, by rank. Their lengths may differ.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    internal abstract byte[][] Gather(ReadOnlySpan<byte> bytes);

    /// <summary>The bytes of process 0.</summary>
    /// <param name="bytes">The bytes in process 0; ignored in the others.</param>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    internal abstract byte[] Broadcast(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Ends all processes of the group, because this one cannot go on while the others wait for it. May end the process at once.
    /// </summary>
    /// <param name="reason">The reason, for the message.</param>
    internal abstract void Abort(Exception reason);

    /// <summary>Whether a condition holds in any process: the same answer in all.</summary>
    internal bool Any(bool condition)
    {
        if (!IsSeveral)
            return condition;
        Span<double> count = [condition ? 1 : 0];
        Sum(count);
        return count[0] > 0;
    }

    /// <summary>
    /// <see cref="Any"/> after work that may take one process any time longer than another, such as the scoring of a shard: the wait has no
    /// limit, and ends early only where another process fails or ends.
    /// </summary>
    /// <exception cref="ProcessGroupException">Another process has ended.</exception>
    internal virtual bool AnyAfterLongWork(bool condition) => Any(condition);

    /// <summary>A number of process 0, the same in all.</summary>
    internal double OfFirst(double number)
    {
        if (!IsSeveral)
            return number;
        Span<double> sum = [IsFirst ? number : 0];
        Sum(sum);
        return sum[0];
    }

    /// <summary>The text of the first process that has one, the same in all; null if none has.</summary>
    internal string? FirstText(string? text)
    {
        if (!IsSeveral)
            return text;
        var first = Gather(text is null ? [] : [1, .. Encoding.UTF8.GetBytes(text)]).FirstOrDefault(bytes => bytes.Length > 0);
        return first is null ? null : Encoding.UTF8.GetString(first.AsSpan(1));
    }

    /// <summary>Waits until all processes are here.</summary>
    internal void Barrier() => Any(false);
}
