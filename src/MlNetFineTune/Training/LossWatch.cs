using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>
/// Detects divergence: a loss that is not finite, or a persistent spike, which means that the median of the last 5 losses exceeds a
/// multiple of both the median of the 100 before and that of the run's first 5. Single hard batches and small changes of a small loss are
/// thus not spikes.
/// </summary>
internal sealed class LossWatch
{
    private const int Last = 5;
    private const int Before = 100;

    /// <summary>The first losses of the run, at most 5.</summary>
    public List<double> First { get; init; } = [];

    /// <summary>The latest losses, oldest first, at most 105.</summary>
    public List<double> Recent { get; init; } = [];

    /// <returns>Null, or a description of the problem.</returns>
    public string? Judge(double loss, float spikeFactor)
    {
        if (!double.IsFinite(loss))
            return FormattableString.Invariant($"the loss is {loss}");
        if (float.IsPositiveInfinity(spikeFactor))
            return null;
        if (First.Count < Last)
            First.Add(loss);
        Recent.Add(loss);
        if (Recent.Count > Before + Last)
            Recent.RemoveAt(0);
        if (Recent.Count < 2 * Last)
            return null;
        // Usually this suffices, and the long median is not computed.
        var now = Median(Recent, ^Last..);
        if (now <= spikeFactor * Median(First, ..))
            return null;
        var before = Median(Recent, ..^Last);
        return before > 0 && now > spikeFactor * before
            ? FormattableString.Invariant(
                $"the loss, {now:0.####} in the last {Last} steps, is {now / before:0.#} times what it was before")
            : null;
    }

    private static double Median(List<double> values, Range range)
    {
        Span<double> sorted = stackalloc double[Before + Last];
        var (start, length) = range.GetOffsetAndLength(values.Count);
        sorted = sorted[..length];
        for (var i = 0; i < length; i++)
            sorted[i] = values[start + i];
        sorted.Sort();
        return length % 2 == 1 ? sorted[length / 2] : (sorted[length / 2 - 1] + sorted[length / 2]) / 2;
    }
}
