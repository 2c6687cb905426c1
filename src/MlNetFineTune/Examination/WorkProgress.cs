namespace MlNetFineTune.Examination;

/// <summary>Reports the fraction of the work that is done, in steps of at least 1 %, from several threads but one at a time.</summary>
internal sealed class WorkProgress(IProgress<float>? receiver)
{
    private const float Step = 0.01f;

    private readonly Lock _lock = new();
    private float _begin;
    private float _end;
    private float _reported;
    private long _done;
    private long _total;

    /// <summary>Begins a part of the work.</summary>
    /// <param name="begin">Fraction of the whole work before it.</param>
    /// <param name="end">Fraction of the whole work after it.</param>
    /// <param name="total">Number of units of the part.</param>
    public void Begin(float begin, float end, long total)
    {
        lock (_lock)
            (_begin, _end, _done, _total) = (begin, end, 0, total);
    }

    /// <param name="count">Number of further units that are done.</param>
    public void Advance(int count)
    {
        if (receiver is null)
            return;
        lock (_lock)
        {
            _done += count;
            var fraction = _begin + (_end - _begin) * Math.Min(1, _done / (float)Math.Max(1, _total));
            if (fraction < _reported + Step)
                return;
            _reported = fraction;
            receiver.Report(fraction);
        }
    }

    public void End()
    {
        if (_reported < 1)
            receiver?.Report(1);
    }
}
