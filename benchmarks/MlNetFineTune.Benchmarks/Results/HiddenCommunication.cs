using System.Diagnostics;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Which part of the sums of a step lies behind the backward pass. A sum is communication from the moment when the last process has started
/// it until all know that it is complete; it is hidden before, and exposed after, the moment when the last process has ended its backward
/// pass, which is when it starts the first of the sums of its lowest trained stage. Waiting for a slower process is neither.
/// </summary>
/// <param name="Total">Seconds of a step in which at least one sum was under way.</param>
/// <param name="Exposed">Those of them after the backward pass of the last process.</param>
/// <param name="WaitingForSlower">Seconds from the end of a process's backward pass to that of the last, in the mean.</param>
internal sealed record HiddenCommunication(double Total, double Exposed, double WaitingForSlower)
{
    /// <summary>Hidden share of communication, 0 to 1; 0 without communication.</summary>
    public double Share => Total > 0 ? 1 - Exposed / Total : 0;

    /// <param name="ofProcesses">For each process the times of all sums, in their order, which is the same in all.</param>
    /// <param name="steps">Number of steps, each with the same number of sums.</param>
    /// <param name="atEnd">Number of the last sums of a step that start when the backward pass has ended; at least 1.</param>
    /// <returns>Means over the steps.</returns>
    /// <exception cref="ArgumentException">
    /// The sums are not the same number in all processes and steps, or fewer in a step than <paramref name="atEnd"/>.
    /// </exception>
    public static HiddenCommunication Of(IReadOnlyList<IReadOnlyList<SumTimes>> ofProcesses, int steps, int atEnd)
    {
        var (sums, rest) = Math.DivRem(ofProcesses[0].Count, steps);
        if (rest != 0 || ofProcesses.Any(times => times.Count != ofProcesses[0].Count))
        {
            throw new ArgumentException(
                $"{steps} steps need the same number of sums in each step and process, but the processes made "
                + $"{string.Join(", ", ofProcesses.Select(times => times.Count))} sums.", nameof(ofProcesses));
        }
        if (atEnd < 1 || atEnd > sums)
            throw new ArgumentOutOfRangeException(nameof(atEnd), atEnd, $"A step has {sums} sums: expected 1 to {sums}.");
        var (total, exposed, waiting) = (0.0, 0.0, 0.0);
        for (var step = 0; step < steps; step++)
        {
            var own = ofProcesses.Select(times => times.Skip(step * sums).Take(sums).ToArray()).ToArray();
            long[] ends = [.. own.Select(times => times[^atEnd].Started)];
            var end = ends.Max();
            (long From, long To)[] underWay = [.. Enumerable.Range(0, sums)
                .Select(sum => (own.Max(times => times[sum].Started), own.Max(times => times[sum].Completed)))];
            total += Union(underWay);
            exposed += Union([.. underWay.Select(one => (Math.Max(one.From, end), Math.Max(one.To, end)))]);
            waiting += ends.Average(one => Stopwatch.GetElapsedTime(one, end).TotalSeconds);
        }
        return new(total / steps, exposed / steps, waiting / steps);
    }

    // Seconds that lie in at least one interval.
    private static double Union((long From, long To)[] intervals)
    {
        var (seconds, covered) = (0.0, long.MinValue);
        foreach (var (from, to) in intervals.OrderBy(one => one.From))
        {
            var begin = Math.Max(from, covered);
            if (to > begin)
                seconds += Stopwatch.GetElapsedTime(begin, to).TotalSeconds;
            covered = Math.Max(covered, to);
        }
        return seconds;
    }
}
