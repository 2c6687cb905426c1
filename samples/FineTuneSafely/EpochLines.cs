using System.Globalization;
using MlNetFineTune;

namespace FineTuneSafely;

/// <summary>Prints a line per epoch and runs an action after it.</summary>
internal sealed class EpochLines(Action<int> afterEpoch) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Activity != TrainingActivity.EpochCompleted)
            return;
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"Epoch {value.Epoch} of {value.Epochs}: validation accuracy {value.ValidationAccuracy:0.00}, "
                + $"{value.Elapsed.TotalSeconds:0} s"));
        afterEpoch(value.Epoch);
    }
}
