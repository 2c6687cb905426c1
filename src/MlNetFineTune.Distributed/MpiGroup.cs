using System.Runtime.InteropServices;
using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Several processes over MPI. Every operation begins with an <see cref="Exchange"/>; more data than fit into it follow by collectives
/// that are started and tested, never by blocking ones, so that each wait has a limit.
/// </summary>
/// <remarks>
/// Sums have the same bits in each process. Short ones are added in the order of the ranks. Of MPI_Allreduce the standard only recommends
/// it; it holds for the algorithms of Open MPI (coll/libnbc/nbc_iallreduce.c) and MPICH, because each either computes a number in one
/// process and distributes it (binomial tree, ring, reduce-scatter), or adds the same pair in both partners (recursive doubling: a + b and
/// b + a are equal). <see cref="SumCheck"/> looks at it at the start.
/// </remarks>
internal sealed class MpiGroup : ProcessGroup
{
    // Below 2^31 bytes, the limit of MPI's counts, with a margin: messages near the limit have had faults in several libraries.
    private const int ChunkBytes = 1 << 28;

    // Buffers of operations that failed: MPI may still write there until the process ends.
    private static readonly List<object> s_abandoned = [];

    private readonly MpiLibrary _library;
    private readonly int? _threads;
    private readonly bool _mayUseNccl;
    private readonly Peers _peers;
    private readonly Func<bool> _listen;
    private volatile string _position = "";
    private readonly HashSet<TensorSum> _pending = []; // keeps their memory alive, also where nobody waits for them
    private NcclCommunicator? _nccl;
    private int _thread; // the one inside an operation; 0 where none is

    public MpiGroup(MpiLibrary library, MpiOptions options)
    {
        (_library, _threads, _mayUseNccl, _peers) = (library, options.Threads, options.UseNccl, new Peers(library));
        _listen = _peers.Listen;
        Timeout = options.Timeout;
    }

    public override int Rank => _library.Rank;

    public override int Size => _library.Size;

    /// <summary>Where this process is among those of its machine.</summary>
    public Placement Placement { get; private set; } = Placement.Unknown;

    /// <summary>
    /// The longest wait for another process, and for a function of the library: <see cref="MpiOptions.Timeout"/>. Tests shorten it after
    /// the start, which may take long on a busy machine.
    /// </summary>
    public TimeSpan Timeout { get; set; }

    internal override int CoreSharers => Placement.CoreSharers;

    /// <summary>"Rank 1 of 4".</summary>
    public string Name => _peers.Name;

    /// <summary>" (epoch 3, step 12)"; empty where nothing is known.</summary>
    public string At => _position is { Length: > 0 } position ? $" ({position})" : "";

    internal override string Position
    {
        get => _position;
        set => _position = value;
    }

    /// <summary>Whether an operation runs or the group has failed: MPI cannot be ended in good order.</summary>
    public bool IsBusy => _peers.Failure is not null || Volatile.Read(ref _thread) != 0 || _pending.Count > 0;

    /// <summary>The first operations: they find the place of this process and check what the library computes.</summary>
    public void Meet()
    {
        Placement = Placement.Of(this);
        Placement.SetThreads(_threads);
        SumCheck.Run(this, _library.Version);
    }

    internal override void ComputesOn(Device device)
    {
        if (!_mayUseNccl)
            return;
        _nccl = NcclCommunicator.Agree(this, device, _nccl);
        if (_nccl is not null)
            SumCheck.Tensors(this, "NCCL", device);
    }

    internal override unsafe void Sum(Span<double> values)
    {
        using var turn = Enter();
        var bytes = MemoryMarshal.AsBytes(values);
        var exchange = Come(OperationKind.Sum, values.Length, bytes);
        if (bytes.Length <= Notice.DataBytes)
        {
            values.Clear();
            for (var rank = 0; rank < Size; rank++)
            {
                var terms = MemoryMarshal.Cast<byte, double>(exchange[rank].Data);
                for (var i = 0; i < values.Length; i++)
                    values[i] += terms[i];
            }
        }
        else
        {
            var buffer = GC.AllocateUninitializedArray<double>(values.Length, pinned: true);
            values.CopyTo(buffer);
            var requests = new Requests(_library);
            Keep(buffer, () =>
            {
                for (var start = 0; start < buffer.Length; start += ChunkBytes / sizeof(double))
                {
                    var count = Math.Min(ChunkBytes / sizeof(double), buffer.Length - start);
                    requests.Add(_library.StartSum(null, (double*)Address(buffer) + start, count, doubles: true));
                }
            });
            WaitFor(requests, exchange.Own, buffer);
            buffer.CopyTo(values);
        }
        exchange.Dispose();
    }

    internal override bool AnyAfterLongWork(bool condition)
    {
        using var turn = Enter();
        double own = condition ? 1 : 0;
        var exchange = Begin(OperationKind.Sum, 1, MemoryMarshal.AsBytes(new ReadOnlySpan<double>(in own)));
        WaitAnyTimeFor(exchange);
        var any = false;
        for (var rank = 0; rank < Size; rank++)
            any |= MemoryMarshal.Read<double>(exchange[rank].Data) > 0;
        exchange.Dispose();
        return any;
    }

    internal override PendingSum StartSum(Tensor buffer)
    {
        if (buffer.dtype != ScalarType.Float32 || !buffer.is_contiguous())
            throw new ArgumentException(
                $"A sum over processes needs a contiguous tensor of Float32; this one is of {buffer.dtype}"
                + $"{(buffer.is_contiguous() ? "" : " and not contiguous")}.", nameof(buffer));
        using var turn = Enter();
        var sum = Create(buffer);
        sum.Start();
        _pending.Add(sum);
        return sum;
    }

    private TensorSum Create(Tensor buffer)
    {
        // A process whose tensor has come to another device does something else than the others: they say so instead of waiting.
        var isOnGpu = _nccl is not null && NcclCommunicator.DeviceOf(buffer.device) == _nccl.Device;
        var exchange = Begin(isOnGpu ? OperationKind.DeviceSum : OperationKind.TensorSum, buffer.numel(), []);
        return isOnGpu ? new NcclSum(this, _nccl!, buffer, exchange) : new HostSum(this, _library, buffer, exchange);
    }

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes)
    {
        using var turn = Enter();
        var exchange = Come(OperationKind.Gather, bytes.Length, bytes);
        var all = new byte[Size][];
        var requests = new Requests(_library);
        for (var rank = 0; rank < Size; rank++)
            all[rank] = Place(exchange[rank], rank == Rank ? bytes : []);
        Keep(all, () =>
        {
            for (var rank = 0; rank < Size; rank++)
                StartReceiving(exchange[rank], rank, all[rank], requests);
        });
        WaitFor(requests, exchange.Own, all);
        exchange.Dispose();
        return all;
    }

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes)
    {
        using var turn = Enter();
        var exchange = Come(OperationKind.Broadcast, IsFirst ? bytes.Length : 0, IsFirst ? bytes : []);
        var requests = new Requests(_library);
        var result = Place(exchange[0], IsFirst ? bytes : []);
        Keep(result, () => StartReceiving(exchange[0], 0, result, requests));
        WaitFor(requests, exchange.Own, result);
        exchange.Dispose();
        return result;
    }

    /// <summary>Says why, here and to all others, which then throw when they come to their next operation. Returns.</summary>
    internal override void Abort(Exception reason)
    {
        var message = reason is ProcessGroupException ? reason.Message
            : $"{Name} ends all processes{At}: {reason.GetType().Name}: {reason.Message}";
        if (_peers.Announce(message))
            Console.Error.WriteLine(message);
    }

    /// <summary>
    /// Waits until all others have failed too, for a limited time: before they are ended, process 0 may save a checkpoint.
    /// </summary>
    public void WaitUntilAllHaveFailed(TimeSpan limit)
    {
        var clock = new WaitClock();
        // A thread that is inside an operation leaves it, because the group has failed. This one is inside it still where the operation
        // itself threw: an unhandled exception is reported before the stack is unwound.
        while (Interlocked.CompareExchange(ref _thread, Environment.CurrentManagedThreadId, 0) is not 0 and var other
            && other != Environment.CurrentManagedThreadId)
        {
            if (clock.Waited > limit)
                return;
            clock.Pause();
        }
        _peers.WaitUntilAllHaveFailed(clock, limit);
    }

    public override string ToString() => $"Mpi ({Size} processes)";

    /// <summary>Waits, as long as it takes, until all other programs have come to their end.</summary>
    /// <exception cref="ProcessGroupException">One does something else.</exception>
    public void MeetAtEnd()
    {
        // As long as the others live they may work alone: rank 0 evaluates and saves.
        var exchange = Begin(OperationKind.End, 0, []);
        WaitAnyTimeFor(exchange);
        exchange.Dispose();
    }

    /// <summary>Waits until a message and its exchange are complete.</summary>
    public void WaitFor(Exchange exchange, object keep) => WaitFor(exchange.Test, exchange, exchange.Own, keep);

    /// <inheritdoc cref="WaitFor(Exchange, object)"/>
    public void WaitFor(Requests requests, in Notice own, object keep) => WaitFor(requests.Test, own, keep);

    /// <summary>Waits until a transfer is complete that all have come to.</summary>
    public void WaitFor(Func<bool> isTransferred, in Notice own, object keep) => WaitFor(isTransferred, null, own, keep);

    /// <summary>Removes a sum that is complete.</summary>
    public void Forget(TensorSum sum) => _pending.Remove(sum);

    /// <summary>
    /// Starts messages that read or write memory. Where one cannot be started, those before it may still be under way: what they use is
    /// kept until the process ends.
    /// </summary>
    /// <exception cref="ProcessGroupException">The library failed.</exception>
    public void Keep(object memory, Action start)
    {
        try
        {
            Call(() =>
            {
                start();
                return true;
            });
        }
        catch
        {
            Abandon(memory);
            throw;
        }
    }

    /// <summary>Calls the library; what it reports becomes an error of the group.</summary>
    /// <exception cref="ProcessGroupException">It failed.</exception>
    public T Call<T>(Func<T> function)
    {
        try
        {
            return function();
        }
        catch (MpiException fault)
        {
            throw Failed(fault);
        }
        catch (NcclException fault)
        {
            throw _peers.Fail($"{Name}{At}: NCCL failed. {fault.Message}", fault);
        }
    }

    /// <summary>
    /// Calls a function of a library that returns only when all processes have called it, for a limited time, on a thread of its own.
    /// </summary>
    /// <exception cref="ProcessGroupException">It has not returned.</exception>
    public T Within<T>(string function, Func<T> call)
    {
        using var turn = Enter();
        var work = Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var clock = new WaitClock(); !work.IsCompleted; clock.Pause())
        {
            Call(_listen);
            if (_peers.Failure is not null)
                throw _peers.FailedBefore();
            if (clock.Waited > Timeout)
                throw _peers.Fail($"{Name}{At} has waited {clock.Waited.TotalSeconds:0} s in {function} for another process.");
        }
        return work.GetAwaiter().GetResult();
    }

    /// <summary>The turn of this thread: until its end no other thread may use the group.</summary>
    /// <exception cref="ProcessGroupException">The group has failed before.</exception>
    /// <exception cref="InvalidOperationException">Another thread uses the group.</exception>
    public Turn Enter()
    {
        if (_peers.Failure is not null)
            throw _peers.FailedBefore();
        var thread = Environment.CurrentManagedThreadId;
        var other = Interlocked.CompareExchange(ref _thread, thread, 0);
        // One thread may start a sum and another compute meanwhile: libtorch runs the backward pass of a GPU on a thread of its own.
        if (other == 0 && (_library.OnlyThread == 0 || _library.OnlyThread == thread))
            return new Turn(this);
        if (other == 0)
            Volatile.Write(ref _thread, 0);
        throw new InvalidOperationException(
            $"{Name}{At}: thread {thread} uses the group of processes, "
            + (_library.OnlyThread != 0
                ? $"but {_library.Version} serves only thread {_library.OnlyThread}, which called ProcessGroup.Mpi. "
                : $"while thread {other} does. ")
            + "Train one model after the other.");
    }

    private static void Abandon(object memory)
    {
        lock (s_abandoned)
            s_abandoned.Add(memory);
    }

    private ProcessGroupException Failed(MpiException fault) => _peers.Fail($"{Name}{At}: MPI failed. {fault.Message}", fault);

    private Exchange Begin(OperationKind kind, long length, ReadOnlySpan<byte> data)
    {
        try
        {
            return _peers.Begin(kind, length, data, _position);
        }
        catch (MpiException fault)
        {
            throw Failed(fault);
        }
    }

    /// <summary>Starts an operation and waits until all have come to it.</summary>
    private Exchange Come(OperationKind kind, long length, ReadOnlySpan<byte> data)
    {
        var exchange = Begin(kind, length, data);
        WaitFor(exchange, exchange);
        return exchange;
    }

    /// <summary>The bytes of a process where they came with its notice; else the place for them, with those of this process.</summary>
    private static byte[] Place(in Notice notice, ReadOnlySpan<byte> own)
    {
        if (notice.Length <= Notice.DataBytes)
        {
            var copy = notice;
            return copy.Data[..(int)notice.Length].ToArray();
        }
        var bytes = GC.AllocateUninitializedArray<byte>((int)notice.Length, pinned: true);
        own.CopyTo(bytes);
        return bytes;
    }

    private unsafe void StartReceiving(in Notice notice, int from, byte[] bytes, Requests requests)
    {
        if (notice.Length <= Notice.DataBytes)
            return;
        for (int start = 0, count; start < bytes.Length; start += count)
        {
            count = Math.Min(ChunkBytes, bytes.Length - start);
            requests.Add(_library.StartBroadcast((byte*)Address(bytes) + start, count, from));
        }
    }

    private static unsafe void* Address<T>(T[] pinned)
        where T : unmanaged => (void*)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    private void WaitAnyTimeFor(Exchange exchange)
    {
        try
        {
            while (!Call(exchange.Test))
            {
                if (_peers.Failure is not null)
                    throw _peers.FailedBefore();
                Thread.Sleep(10);
            }
        }
        catch
        {
            Abandon(exchange);
            throw;
        }
    }

    private void WaitFor(Func<bool> isComplete, Exchange? exchange, in Notice own, object keep)
    {
        var clock = new WaitClock(isTransfer: exchange is null);
        try
        {
            while (!Call(isComplete))
            {
                // A process that has failed after it came to this operation says so in its next notice.
                if (exchange is null)
                    Call(_listen);
                if (_peers.Failure is not null)
                    throw _peers.FailedBefore();
                if (clock.Waited > Timeout)
                    throw _peers.TimedOut(exchange, own, clock.Waited);
                clock.Pause();
            }
        }
        catch
        {
            Abandon(keep);
            throw;
        }
    }

    /// <summary>The time in which one thread uses the group.</summary>
    public readonly ref struct Turn(MpiGroup group)
    {
        public void Dispose() => Volatile.Write(ref group._thread, 0);
    }
}
