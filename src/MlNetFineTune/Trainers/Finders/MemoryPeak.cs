namespace MlNetFineTune.Trainers;

/// <summary>Peak memory of this process during the object's lifetime, sampled every few milliseconds.</summary>
internal sealed class MemoryPeak : IDisposable
{
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(3);

    private readonly ManualResetEventSlim _end = new();
    private readonly Thread _watcher;
    private long _highest = Environment.WorkingSet;

    public MemoryPeak()
    {
        _watcher = new Thread(Watch) { IsBackground = true, Name = "MlNetFineTune memory peak" };
        _watcher.Start();
    }

    public long Bytes => Math.Max(Interlocked.Read(ref _highest), Environment.WorkingSet);

    public void Dispose()
    {
        _end.Set();
        _watcher.Join();
        _end.Dispose();
    }

    private void Watch()
    {
        while (!_end.Wait(s_between))
            Interlocked.Exchange(ref _highest, Math.Max(_highest, Environment.WorkingSet));
    }
}
