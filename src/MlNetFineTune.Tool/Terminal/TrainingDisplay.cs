using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tool;

/// <summary>
/// Displays a running training: the trainer's messages in ML.NET's log (device, trained and frozen parameters, epochs) and the progress.
/// </summary>
internal sealed class TrainingDisplay : IProgress<TrainingProgress>, IDisposable
{
    private readonly MLContext _ml;
    private readonly string _trainer;
    private readonly string _rows;
    private ProgressDisplay? _progress;

    /// <param name="ml">The context that trains.</param>
    /// <param name="trainer">Name of the trainer in the log.</param>
    /// <param name="rows">What the rows are, in the plural.</param>
    public TrainingDisplay(MLContext ml, string trainer, string rows)
    {
        (_ml, _trainer, _rows) = (ml, trainer, rows);
        _ml.Log += ShowMessage;
    }

    public T While<T>(Func<IProgress<TrainingProgress>, T> train) => ProgressDisplay.While($"reading {_rows}", progress =>
    {
        _progress = progress;
        return train(this);
    });

    /// <summary>
    /// Called on the training thread after every step. A custom <see cref="IProgress{T}"/>, because Progress&lt;T&gt; posts to other
    /// threads in any order.
    /// </summary>
    public void Report(TrainingProgress now)
    {
        if (now.Activity != TrainingActivity.EpochCompleted)
            _progress?.Show(ShareDone(now), Describe(now));
    }

    public void Dispose() => _ml.Log -= ShowMessage;

    private static double ShareDone(TrainingProgress now) => now.Activity switch
    {
        TrainingActivity.Training => (now.Epoch - 1 + (now.Rows / (double)now.TotalRows)) / now.Epochs,
        _ => now.Epoch / (double)now.Epochs,
    };

    private string Describe(TrainingProgress now)
    {
        string what = now.Activity switch
        {
            TrainingActivity.ComputingFeatures => "computing features",
            TrainingActivity.Validating => $"epoch {now.Epoch}/{now.Epochs} validating",
            _ => $"epoch {now.Epoch}/{now.Epochs} loss {now.Loss:0.000}",
        };
        return what
            + (now.ValidationAccuracy is { } accuracy ? $", validation accuracy {accuracy:0.00}" : "")
            + $", {now.RowsPerSecond:0} {_rows}/s"
            + (now.Remaining is { } remaining ? $", {Shown(remaining)} left" : "");
    }

    private static string Shown(TimeSpan time) =>
        time.TotalHours < 1 ? $"{time:m\\:ss}" : $"{Math.Floor(time.TotalHours):0}:{time:mm\\:ss}";

    private void ShowMessage(object? sender, LoggingEventArgs message)
    {
        if (message.Kind >= ChannelMessageKind.Info && message.Source.Contains(_trainer, StringComparison.Ordinal))
            _progress?.WriteLine(message.RawMessage);
    }
}
