using MlNetFineTune;

namespace PhotoDesk;

/// <summary>Publishes the progress of each step from the training thread, and stores completed epochs.</summary>
internal sealed class ProgressToFeed(TrainingFeed feed, TrainingStore trainings, TimeProvider time) : IProgress<TrainingProgress>
{
    private static readonly TimeSpan BetweenSteps = TimeSpan.FromMilliseconds(150);
    private long _last;

    public void Report(TrainingProgress value)
    {
        if (value.Activity == TrainingActivity.EpochCompleted)
        {
            if (feed.Update(
                now => With(now, value) with { History = [.. now.History.Where(line => line.Epoch < value.Epoch), LineOf(value)] })
                is { } training)
                trainings.Keep(training);
        }
        else if (_last == 0 || time.GetElapsedTime(_last) > BetweenSteps)
        {
            _last = time.GetTimestamp();
            feed.Update(now => With(now, value));
        }
    }

    private static Training With(Training now, TrainingProgress value) => now with
    {
        Epoch = value.Epoch,
        Fraction = FractionOf(value),
        SecondsLeft = value.Remaining?.TotalSeconds,
        Message = null,
    };

    private static double FractionOf(TrainingProgress value) => value.Activity switch
    {
        TrainingActivity.Training => (value.Epoch - 1 + (double)value.Rows / value.TotalRows) / value.Epochs,
        _ => (double)value.Epoch / value.Epochs,
    };

    private static EpochLine LineOf(TrainingProgress value) =>
        new(value.Epoch, Finite(value.Loss), Finite(value.ValidationLoss), Finite(value.ValidationAccuracy));

    // JSON has no NaN or infinity.
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
