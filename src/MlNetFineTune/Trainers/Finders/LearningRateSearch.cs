using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Trainers;

namespace MlNetFineTune;

/// <summary>The result of <c>ml.FineTuning.FindLearningRate</c>.</summary>
/// <param name="Points">
/// Step by step, the learning rate (of the head) rising: <c>Loss</c> is that of the step's rows, before the step; <c>SmoothedLoss</c> the
/// exponential mean of the losses so far (0.98 of the mean stays at each step), free of the bias of its beginning.
/// </param>
/// <param name="Suggestion">A learning rate from the middle of the slope: <see cref="FineTuningOptions.LearningRate"/>.</param>
public sealed record LearningRateSearch(IReadOnlyList<(double LearningRate, double Loss, double SmoothedLoss)> Points, float Suggestion)
{
    /// <summary>
    /// Draws the loss over the learning rate, with the suggestion, as an SVG file, which every browser shows. The axis of the loss ends
    /// 30 % above the first smoothed loss; what is higher is cut off.
    /// </summary>
    /// <param name="path">
    /// A file whose name ends in <c>.svg</c>, in a folder that exists. An older file is replaced; the new one is written beside it and
    /// renamed, so that a failure leaves the old one.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or has another extension.</exception>
    /// <exception cref="IOException">
    /// The file cannot be written; a <see cref="DirectoryNotFoundException"/> where there is no such folder.
    /// </exception>
    public void SaveChart(string path)
    {
        // The divergence at the end would make the slope flat.
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
        // As fastai: the first tenth, in which the mean is young, and the last five steps, which explode, have no say.
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

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
