namespace MlNetFineTune.Distributed;

/// <summary>
/// Ends this process when a function of the MPI library does not return: the others then see that it is gone. Waits in managed code have
/// their own limit (<see cref="WaitClock"/>); user code has none, because whoever waits for it notices.
/// </summary>
internal sealed class NativeWatchdog
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly MpiLibrary _library;
    private readonly Launcher _launcher;
    private readonly TimeSpan _limit;
    private volatile MpiGroup? _group;

    public NativeWatchdog(MpiLibrary library, Launcher launcher, TimeSpan limit)
    {
        (_library, _launcher, _limit) = (library, launcher, limit);
        new Thread(Watch) { IsBackground = true, Name = "MlNetFineTune MPI watchdog" }.Start();
    }

    /// <summary>From now on the message says where the group is.</summary>
    public void Watches(MpiGroup group) => _group = group;

    private void Watch()
    {
        // MPI_Finalize is limited too: all programs have come to their end before it, in a wait of their own without a limit.
        for (var time = new CallTime(s_interval); ; Thread.Sleep(s_interval))
        {
            var (function, calls) = _library.Running;
            var waited = time.Sample(function, calls);
            if (waited < (_group?.Timeout ?? _limit) || function is null)
                continue;
            var who = _group is { } group ? $"{group.Name}{group.At}" : $"A process of {_launcher.Name}";
            Console.Error.WriteLine(
                $"{who}: {function} of {_library.Version} has not returned for {waited.TotalSeconds:0} s. The process ends.");
            ProcessEnd.Kill();
        }
    }
}
