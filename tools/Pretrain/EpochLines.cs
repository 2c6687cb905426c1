using System.Diagnostics;
using System.Globalization;
using MlNetFineTune;

namespace Pretrain;

/// <summary>Prints a line after each epoch, and every 20 seconds within it.</summary>
internal sealed class EpochLines : IProgress<TrainingProgress>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(20);
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();

    public void Report(TrainingProgress now)
    {
        if (now.Activity == TrainingActivity.Validating || (now.Activity != TrainingActivity.EpochCompleted && _sinceLine.Elapsed < Pause))
            return;
        _sinceLine.Restart();
        var accuracy = now.Activity == TrainingActivity.EpochCompleted ? FormattableString.Invariant(
            $"validation accuracy {now.ValidationAccuracy:0.000}") : $"{now.Rows} of {now.TotalRows}";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{now.Elapsed:h\\:mm\\:ss} epoch {now.Epoch}/{now.Epochs} loss {now.Loss:0.000} {accuracy} {now.RowsPerSecond:0} images/s, "
                + $"{now.Remaining:h\\:mm\\:ss} left"));
    }
}
