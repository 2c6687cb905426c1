using System.Runtime.ExceptionServices;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>A process group of threads in one process: sums in the order of the ranks.</summary>
internal sealed class ThreadGroup : ProcessGroup
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private readonly Shared _shared;

    private ThreadGroup(Shared shared, int rank) => (_shared, Rank) = (shared, rank);

    public override int Rank { get; }

    public override int Size => _shared.Given.Length;

    /// <summary>Waits of all ranks that have no limit.</summary>
    public int LongWaits => _shared.LongWaits;

    /// <summary>Runs an action for each rank of a group, each in its own thread.</summary>
    /// <returns>The results by rank.</returns>
    /// <exception cref="AggregateException">Actions failed.</exception>
    public static T[] Run<T>(int size, Func<ProcessGroup, T> action)
    {
        var shared = new Shared(size);
        var results = new T[size];
        var failures = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = action(new ThreadGroup(shared, rank));
            }
            catch (Exception e)
            {
                failures[rank] = e;
            }
            finally
            {
                shared.End(rank);
            }
        })
        { IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        foreach (var thread in threads)
            Assert.IsTrue(thread.Join(s_limit), "A rank does not end.");
        // The cause first: the others fail because one did.
        var own = failures.OfType<Exception>().Where(failure => failure is not ProcessGroupException).ToList();
        if (own is [var only])
            ExceptionDispatchInfo.Throw(only);
        return failures.Any(failure => failure is not null)
            ? throw new AggregateException(own.Concat(failures.OfType<ProcessGroupException>()))
            : results;
    }

    internal override void Sum(Span<double> values)
    {
        var all = Exchange(values.ToArray());
        values.Clear();
        foreach (var of in all)
        {
            var terms = (double[])of;
            Assert.HasCount(values.Length, terms, "The ranks sum different things.");
            for (var i = 0; i < values.Length; i++)
                values[i] += terms[i];
        }
    }

    internal override bool AnyAfterLongWork(bool condition)
    {
        Interlocked.Increment(ref _shared.LongWaits);
        return Any(condition);
    }

    internal override PendingSum StartSum(Tensor buffer)
    {
        using var scope = NewDisposeScope();
        Assert.AreEqual(ScalarType.Float32, buffer.dtype);
        Assert.IsTrue(buffer.is_contiguous());
        // A sum that is read too early is noticed: it is complete only after Wait.
        return new Delayed(this, buffer, [.. Exchange(buffer.data<float>().ToArray()).Cast<float[]>()]);
    }

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes) => [.. Exchange(bytes.ToArray()).Select(of => ((byte[])of).ToArray())];

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes) => [.. (byte[])Exchange(bytes.ToArray())[0]];

    internal override void Abort(Exception reason) => _shared.End(Rank);

    private object[] Exchange(object mine)
    {
        _shared.Given[Rank] = mine;
        _shared.Wait(this);
        object[] all = [.. _shared.Given];
        _shared.Wait(this);
        return all;
    }

    private sealed class Delayed(ThreadGroup group, Tensor buffer, float[][] terms) : PendingSum
    {
        public override bool Progress() => false;

        public override void Wait()
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            Assert.IsTrue(terms.All(of => of.Length == terms[0].Length), $"The ranks sum different things: {group.Position}.");
            var sum = tensor(terms[0], ScalarType.Float32);
            foreach (var term in terms.Skip(1))
                sum.add_(tensor(term, ScalarType.Float32));
            buffer.copy_(sum.reshape(buffer.shape));
        }
    }

    private sealed class Shared(int size)
    {
        public int LongWaits;

        private readonly object _lock = new();
        private readonly bool[] _ended = new bool[size];
        private int _waiting;
        private int _round;

        public object[] Given { get; } = new object[size];

        public void End(int rank)
        {
            lock (_lock)
            {
                _ended[rank] = true;
                Monitor.PulseAll(_lock);
            }
        }

        public void Wait(ThreadGroup group)
        {
            lock (_lock)
            {
                var round = _round;
                if (++_waiting == size)
                {
                    (_waiting, _round) = (0, round + 1);
                    Monitor.PulseAll(_lock);
                    return;
                }
                while (_round == round)
                {
                    if (_ended.Contains(true) || !Monitor.Wait(_lock, s_limit))
                    {
                        throw new ProcessGroupException(
                            $"Rank {group.Rank} waits ({group.Position}) for ranks that have ended: "
                            + $"{string.Join(", ", _ended.Index().Where(one => one.Item).Select(one => one.Index))}.");
                    }
                }
            }
        }
    }
}
