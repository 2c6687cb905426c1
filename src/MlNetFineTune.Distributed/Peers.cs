using System.Runtime.InteropServices;

namespace MlNetFineTune.Distributed;

/// <summary>
/// What this process knows of the others: to which operation each has come last, and which have failed. A failure of one is told to all,
/// which then fail when they come to their next operation.
/// </summary>
internal sealed class Peers(MpiLibrary library)
{
    private readonly Notice[] _lastHeard = new Notice[library.Size];
    private readonly bool[] _gone = new bool[library.Size]; // have failed, or were waited for in vain
    private readonly List<Exchange> _open = [];
    private volatile string? _failure;
    private long _number;
    private int _announced;

    /// <summary>Why the group has failed; null while it has not.</summary>
    public string? Failure => _failure;

    /// <summary>"Rank 1 of 4".</summary>
    public string Name { get; } = $"Rank {library.Rank} of {library.Size}";

    /// <summary>Starts an operation: tells all others which one.</summary>
    /// <param name="kind">Which one.</param>
    /// <param name="length">Numbers of a sum, bytes of the others.</param>
    /// <param name="data">Go with the notice where they fit into it.</param>
    /// <param name="position">Where the training is.</param>
    public Exchange Begin(OperationKind kind, long length, ReadOnlySpan<byte> data, string position)
    {
        var own = new Notice { Number = ++_number, Kind = kind, Length = length, Text = position };
        if (data.Length <= Notice.DataBytes)
            data.CopyTo(own.Data);
        var exchange = new Exchange(this, library, own);
        _open.Add(exchange);
        return exchange;
    }

    /// <summary>Takes a notice that has arrived.</summary>
    /// <exception cref="ProcessGroupException">Its process has failed, or does not do what this one does.</exception>
    public void Hear(int rank, in Notice own, in Notice notice)
    {
        if (notice.Kind == OperationKind.Failure)
        {
            _gone[rank] = true;
            throw Fail($"{Name} has come to {own}, and another process has failed. {notice.Text}");
        }
        _lastHeard[rank] = notice;
        if (notice.Kind != own.Kind || notice.Number != own.Number
            || (notice.Kind is OperationKind.Sum or OperationKind.TensorSum or OperationKind.DeviceSum && notice.Length != own.Length))
        {
            throw Fail(
                $"{Name} has come to {own}, but rank {rank} to {notice}. All processes must run the same program with the same options and "
                + "the same data.");
        }
    }

    /// <summary>Takes the notices that have arrived for operations that were started.</summary>
    /// <returns>True.</returns>
    /// <exception cref="ProcessGroupException">A process has failed, or does not do what this one does.</exception>
    public bool Listen()
    {
        foreach (var exchange in _open)
            exchange.Test();
        return true;
    }

    /// <summary>Removes an exchange that is complete.</summary>
    public void Forget(Exchange exchange) => _open.Remove(exchange);

    /// <summary>The error of a process that has waited too long.</summary>
    /// <param name="exchange">For whom it waits; null where all have come to the operation, and one does not go on.</param>
    /// <param name="own">The operation.</param>
    /// <param name="waited">How long.</param>
    public ProcessGroupException TimedOut(Exchange? exchange, in Notice own, TimeSpan waited)
    {
        int[] missing = [.. exchange?.Missing ?? []];
        foreach (var rank in missing)
            _gone[rank] = true;
        var whom = missing.Length == 0 ? "; all had come to it, and one of them no longer takes part"
            : $" for {string.Join(" and ", missing.Select(rank =>
                $"rank {rank}, {(_lastHeard[rank].Number == 0 ? "which never came" : $"which last came to {_lastHeard[rank]}")}"))}";
        return Fail(
            $"{Name} has waited {waited.TotalSeconds:0} s in {own}{whom}. It hangs, or works alone for longer than MpiOptions.Timeout.");
    }

    /// <summary>The error with which the group ends. The first one is what later operations say.</summary>
    public ProcessGroupException Fail(string message, Exception? inner = null)
    {
        _failure ??= message;
        return new ProcessGroupException(message, inner);
    }

    /// <summary>The error of an operation of a group that has failed before.</summary>
    public ProcessGroupException FailedBefore() => new($"The processes cannot go on, because one has failed. {_failure}");

    /// <summary>Tells all others, once, that this process has failed.</summary>
    /// <returns>Whether it was the first time.</returns>
    public bool Announce(string reason)
    {
        if (Interlocked.Exchange(ref _announced, 1) != 0)
            return false;
        _failure ??= reason;
        try
        {
            Send(reason);
        }
        catch (MpiException)
        {
            // What failed was MPI itself: the others notice it, or the end of this process.
        }
        return true;
    }

    /// <summary>
    /// Waits until all others have failed too, for a limited time: before they are ended, process 0 may save a checkpoint.
    /// </summary>
    public void WaitUntilAllHaveFailed(WaitClock clock, TimeSpan limit)
    {
        _gone[library.Rank] = true;
        for (; _gone.Contains(false) && clock.Waited <= limit; clock.Pause())
        {
            try
            {
                // Messages go to the receives of interrupted operations first.
                for (var rank = 0; rank < library.Size; rank++)
                {
                    if (!_gone[rank] && !_open.Any(open => open.Expects(rank)))
                        _open.Add(Exchange.Listen(this, library, rank));
                }
                Listen();
            }
            catch (ProcessGroupException)
            {
                // What was heard is noted.
            }
            catch (MpiException)
            {
                return;
            }
        }
    }

    private unsafe void Send(string reason)
    {
        // Kept until the process ends: it takes part in nothing any more.
        var notice = (Notice*)NativeMemory.AllocZeroed((nuint)sizeof(Notice));
        *notice = new Notice { Number = ++_number, Kind = OperationKind.Failure };
        notice->Text = reason;
        var requests = new Requests(library);
        for (var rank = 0; rank < library.Size; rank++)
        {
            if (rank != library.Rank)
                requests.Add(library.StartSend(notice, sizeof(Notice), rank));
        }
        // A message of this size needs nobody who receives it, but may need calls until it is on its way.
        for (var clock = new WaitClock(); !requests.Test() && clock.Waited < TimeSpan.FromSeconds(2);)
            clock.Pause();
    }
}
