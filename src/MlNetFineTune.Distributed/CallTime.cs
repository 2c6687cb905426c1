namespace MlNetFineTune.Distributed;

/// <summary>How long a function of the MPI library has been running, from samples at equal intervals.</summary>
internal sealed class CallTime(TimeSpan interval)
{
    private string? _function;
    private long _calls;
    private TimeSpan _time;

    /// <summary>Takes a sample.</summary>
    /// <param name="function">The function that runs; null where none does.</param>
    /// <param name="calls">Functions that have returned.</param>
    /// <returns>At least so long one function has been running. An interval counts only if it ran at its beginning too.</returns>
    public TimeSpan Sample(string? function, long calls)
    {
        // Counted by intervals and not by the clock: time in which the whole process was stopped does not count.
        var same = function is not null && _function is not null && calls == _calls;
        (_function, _calls) = (function, calls);
        return _time = same ? _time + interval : TimeSpan.Zero;
    }
}
