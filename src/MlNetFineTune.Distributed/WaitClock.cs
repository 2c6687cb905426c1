namespace MlNetFineTune.Distributed;

/// <summary>
/// The time for which a process waits for another, and how it waits. First it only yields, since most answers come within microseconds and
/// transfers need calls to progress; from the second second on it sleeps between short bursts, so that a process that still computes has
/// the cores. Time in which this process itself was stopped (a suspended job) does not count.
/// </summary>
internal sealed class WaitClock
{
    private const long YieldingMilliseconds = 1000;
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
        if (_waited <= YieldingMilliseconds || now - _lastSleep <= BurstMilliseconds)
        {
            Thread.Yield();
            return;
        }
        Thread.Sleep(1);
        _lastSleep = Environment.TickCount64;
    }
}
