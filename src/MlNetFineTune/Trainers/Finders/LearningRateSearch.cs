using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Trainers;

namespace MlNetFineTune;

/// <summary>The result of <c>ml.FineTuning.FindLearningRate</c>.</summary>
/// <param name="Points">
/// One entry per step, with rising learning rate (of the head): <c>Loss</c> is the loss of the step's rows before the step;
/// <c>SmoothedLoss</c> the exponential moving average of the losses so far (decay 0.98), with bias correction.
/// </param>
/// <param name="Suggestion">A learning rate from the steepest part of the curve, for <see cref="FineTuningOptions.LearningRate"/>.</param>
public sealed record LearningRateSearch(IReadOnlyList<(double LearningRate, double Loss, double SmoothedLoss)> Points, float Suggestion)
{
    /// <summary>
    /// Plots the loss against the learning rate, with the suggestion, as an SVG file. The loss axis ends 30 % above the first smoothed
    /// loss; higher values are clipped.
    /// </summary>
    /// <param name="path">
    /// Path of the file, with the extension <c>.svg</c>, in an existing folder. An existing file is replaced atomically, so that it stays
    /// if writing fails.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or has another extension.</exception>
    /// <exception cref="IOException">
    /// The file cannot be written; a <see cref="DirectoryNotFoundException"/> if the folder does not exist.
    /// </exception>
    public void SaveChart(string path)
    {
        // The divergence at the end would flatten the rest of the curve.
        var first = Points[0].SmoothedLoss;
        var ceiling = first + 0.3 * Math.Abs(first);
        var heights = Points.TakeWhile(point => point.SmoothedLoss <= ceiling)
            .SelectMany(point => (double[])[point.Loss, point.SmoothedLoss])
            .Where(loss => loss <= ceiling)
            .Append(ceiling);
        SvgFile.Save(path, new Chart(
            "Learning rate finder", "learning rate", Axis.Logarithmic(Points.Select(point => point.LearningRate)), Axis.Linear(heights),
            [
                new("loss of each step", SeriesLook.Faint, [.. Points.Select(point => (point.LearningRate, point.Loss))]),
                new("smoothed", SeriesLook.First, [.. Points.Select(point => (point.LearningRate, point.SmoothedLoss))]),
            ])
        {
            Mark = (Suggestion, $"suggestion {Axis.Label(Math.Round(Suggestion, 6))}"),
        });
    }

    internal static LearningRateSearch Of(IReadOnlyList<(double LearningRate, double Loss, double SmoothedLoss)> points, int steps)
    {
        // As in fastai: without the first tenth, where the moving average has few values, and the last five steps, where the loss diverges.
        var skipped = steps / 10;
        var judged = points.Skip(skipped).Take(points.Count - skipped - 5).ToList();
        if (judged.Count < 3)
        {
            throw new InvalidOperationException(
                $"The loss ran away, or the steps ended, after {points.Count} of {steps} steps: too few to suggest a learning rate from. "
                + "Begin at a lower rate, or give the first phase of the strategy more epochs.");
        }
        return new LearningRateSearch(points, (float)judged[Valley.Find([.. judged.Select(point => point.SmoothedLoss)])].LearningRate);
    }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
