using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Precision, recall and F1 of each class with 95 % percentile bootstrap intervals (Efron 1979, https://doi.org/10.1214/aos/1176344552):
/// the rows are drawn with replacement, and the 2.5 % and 97.5 % quantiles of the values are the ends. Random numbers are counted, so that
/// the same rows have the same intervals.
/// </summary>
internal static class BootstrapIntervals
{
    // 1000 resamples, fewer for very many rows, whose intervals are narrow in any case.
    private const int MostResamples = 1000;
    private const int FewestResamples = 100;
    private const int MostDraws = 20_000_000;

    /// <param name="rows">Label and predicted class of each row, from 0. At least one.</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>One for each class.</returns>
    public static ClassQuality[] Of(IReadOnlyList<(int Label, int Predicted)> rows, int classes)
    {
        var observed = new ClassCounts(classes);
        foreach (var (label, predicted) in rows)
            observed.Add(label, predicted);

        var resamples = Math.Clamp(MostDraws / rows.Count, FewestResamples, MostResamples);
        var values = new double[classes, 3, resamples];
        Parallel.For(0, resamples, () => new ClassCounts(classes), (resample, _, counts) =>
        {
            counts.Clear();
            var random = new CountedRandom(0, RandomStream.Bootstrap, epoch: 0, ordinal: resample);
            for (var i = 0; i < rows.Count; i++)
            {
                var (label, predicted) = rows[random.NextInt(rows.Count)];
                counts.Add(label, predicted);
            }
            for (var c = 0; c < classes; c++)
            {
                (values[c, 0, resample], values[c, 1, resample], values[c, 2, resample]) =
                    (counts.PrecisionOf(c), counts.RecallOf(c), counts.F1Of(c));
            }
            return counts;
        }, _ => { });

        return [.. Enumerable.Range(0, classes).Select(c => new ClassQuality(
            observed.RowsOf(c), Interval(observed.PrecisionOf(c), c, 0), Interval(observed.RecallOf(c), c, 1),
            Interval(observed.F1Of(c), c, 2)))];

        EstimatedValue Interval(double value, int c, int which)
        {
            double[] sorted = [.. Enumerable.Range(0, resamples).Select(resample => values[c, which, resample])
                .Where(double.IsFinite).Order()];
            return sorted.Length == 0
                ? new(value, double.NaN, double.NaN)
                : new(value, sorted[(int)(0.025 * sorted.Length)], sorted[(int)Math.Ceiling(0.975 * sorted.Length) - 1]);
        }
    }

    private sealed class ClassCounts(int classes)
    {
        private readonly int[] _rows = new int[classes];
        private readonly int[] _predicted = new int[classes];
        private readonly int[] _right = new int[classes];

        public void Clear()
        {
            Array.Clear(_rows);
            Array.Clear(_predicted);
            Array.Clear(_right);
        }

        public void Add(int label, int predicted)
        {
            _rows[label]++;
            _predicted[predicted]++;
            if (label == predicted)
                _right[label]++;
        }

        public int RowsOf(int c) => _rows[c];

        /// <summary>NaN if the class is never predicted.</summary>
        public double PrecisionOf(int c) => (double)_right[c] / _predicted[c];

        /// <summary>NaN if no row has the class.</summary>
        public double RecallOf(int c) => (double)_right[c] / _rows[c];

        /// <summary>NaN if no row has the class, and it is never predicted.</summary>
        public double F1Of(int c) => 2.0 * _right[c] / (_rows[c] + _predicted[c]);
    }
}

/// <summary>How well a class is predicted.</summary>
/// <param name="Rows">Number of rows of the class.</param>
/// <param name="Precision">The share of right rows among those predicted as the class.</param>
/// <param name="Recall">The share of right rows among those of the class.</param>
/// <param name="F1">The harmonic mean of both.</param>
internal sealed record ClassQuality(int Rows, EstimatedValue Precision, EstimatedValue Recall, EstimatedValue F1);

/// <summary>A value with an interval of confidence. NaN where it is not defined.</summary>
/// <param name="Value">The value of all rows.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
internal readonly record struct EstimatedValue(double Value, double Low, double High);
