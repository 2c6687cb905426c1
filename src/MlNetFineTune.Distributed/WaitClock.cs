namespace MlNetFineTune.Distributed;

/// <summary>
/// The time for which a process waits for another, and how it waits. First it only yields, since most answers come within microseconds;
/// then it sleeps between the tests, so that processes that still compute have the cores. Data under way need many calls to progress: it
/// yields for longer, and then sleeps between short bursts. Time in which this process itself was stopped (a suspended job) does not count.
/// </summary>
/// <param name="isTransfer">Whether data are under way, and not only another process is awaited.</param>
internal sealed class WaitClock(bool isTransfer = false)
{
    private const long YieldingMilliseconds = 20; // some time slices: a process that is about to come is not missed
    private const long TransferYieldingMilliseconds = 1000;
    private const long BurstMilliseconds = 1;
    private const long LongestStep = 2000;

    private long _last = Environment.TickCount64;
    private long _lastSleep;
    private long _waited;

    public TimeSpan Waited => TimeSpan.FromMilliseconds(_waited);

    public void Pause()
    {
        var now = Environment.TickCount64;
        _waited += Math.Min(now - _last, LongestStep);
        _last = now;
        if (isTransfer ? _waited <= TransferYieldingMilliseconds || now - _lastSleep <= BurstMilliseconds : _waited <= YieldingMilliseconds)
        {
            Thread.Yield();
            return;
        }
        Thread.Sleep(1);
        _lastSleep = Environment.TickCount64;
    }
}
