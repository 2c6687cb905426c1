using MlNetFineTune.Data;

namespace MlNetFineTune.Serving;

/// <summary>Thread-safe counters of <see cref="PredictorMetrics"/>.</summary>
internal sealed class PredictorCounts
{
    private readonly Lock _lock = new();
    private long _batches;
    private long _rows;
    private long _failed;
    private long _refused;
    private TimeSpan _longest;

    public void Refused() => Interlocked.Increment(ref _refused);

    public void Batch<TOut>(ReadOnlySpan<RowResult<TOut>> results, TimeSpan time)
        where TOut : class
    {
        var failed = 0;
        foreach (var result in results)
            failed += result.Error is null ? 0 : 1;
        lock (_lock)
        {
            _batches++;
            _rows += results.Length;
            _failed += failed;
            _longest = time > _longest ? time : _longest;
        }
    }

    public PredictorMetrics ToMetrics(int waiting)
    {
        lock (_lock)
            return new(waiting, _batches, _rows, _failed, Interlocked.Read(ref _refused), _longest);
    }
}
