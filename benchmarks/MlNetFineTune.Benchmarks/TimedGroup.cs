using System.Diagnostics;
using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>A process group that measures how long the training waits for the others, and when which sum is under way.</summary>
internal sealed class TimedGroup(ProcessGroup inner) : ProcessGroup
{
    private readonly Stopwatch _waiting = new();
    private readonly List<SumTimes> _times = [];

    public override int Rank => inner.Rank;

    public override int Size => inner.Size;

    /// <summary>Time in which the training did nothing but wait.</summary>
    public TimeSpan Waiting => _waiting.Elapsed;

    /// <summary>Numbers of each tensor that was summed.</summary>
    public List<long> Sums { get; } = [];

    /// <summary>
    /// Times of each of <see cref="Sums"/> in this process. After the backward pass a completion is seen only when its turn of waiting has
    /// come, and with it the division and copies of the buckets before.
    /// </summary>
    public IReadOnlyList<SumTimes> Times => _times;

    internal override int CoreSharers => inner.CoreSharers;

    internal override string Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    public void Restart()
    {
        _waiting.Reset();
        Sums.Clear();
        _times.Clear();
    }

    internal override void Sum(Span<double> values)
    {
        _waiting.Start();
        inner.Sum(values);
        _waiting.Stop();
    }

    internal override PendingSum StartSum(Tensor buffer)
    {
        Sums.Add(buffer.numel());
        _times.Add(new(Stopwatch.GetTimestamp(), long.MaxValue));
        _waiting.Start(); // the copy into the library's buffers, where it makes one
        var pending = inner.StartSum(buffer);
        _waiting.Stop();
        return new Timed(this, pending, _times.Count - 1);
    }

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes)
    {
        _waiting.Start();
        var all = inner.Gather(bytes);
        _waiting.Stop();
        return all;
    }

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes) => inner.Broadcast(bytes);

    internal override void Abort(Exception reason) => inner.Abort(reason);

    private void Completed(int sum)
    {
        if (_times[sum].Completed == long.MaxValue)
            _times[sum] = _times[sum] with { Completed = Stopwatch.GetTimestamp() };
    }

    private sealed class Timed(TimedGroup group, PendingSum pending, int sum) : PendingSum
    {
        public override bool Progress()
        {
            group._waiting.Start();
            var isComplete = pending.Progress();
            group._waiting.Stop();
            if (isComplete)
                group.Completed(sum);
            return isComplete;
        }

        public override void Wait()
        {
            group._waiting.Start();
            pending.Wait();
            group._waiting.Stop();
            group.Completed(sum);
        }
    }
}
