using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>A clock whose delays end immediately and are recorded. Timeouts work as usual.</summary>
internal sealed class InstantTime : TimeProvider
{
    private readonly List<TimeSpan> _pauses = [];

    public IReadOnlyList<TimeSpan> Pauses => _pauses;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (state is CancellationTokenSource)
            return base.CreateTimer(callback, state, dueTime, period);
        if (dueTime > TimeSpan.Zero)
            _pauses.Add(dueTime);
        return base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
    }
}
