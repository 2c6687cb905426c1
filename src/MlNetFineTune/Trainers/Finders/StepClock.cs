using System.Diagnostics;
using MlNetFineTune.Training;

namespace MlNetFineTune.Trainers;

/// <summary>Measures the time of some steps after a first one, then ends the training.</summary>
internal sealed class StepClock(int steps, CancellationTokenSource end) : ITrainingObserver
{
    private readonly Stopwatch _watch = new();
    private int _seen;
    private int _rows;

    public bool IsOver => _seen > steps;

    public double RowsPerSecond => _rows / Math.Max(_watch.Elapsed.TotalSeconds, 1e-9);

    public void AfterStep(int step, int rows, double loss, double learningRate)
    {
        if (IsOver)
            return;
        if (_seen++ == 0)
            _watch.Start();
        else
            _rows += rows;
        if (!IsOver)
            return;
        _watch.Stop();
        end.Cancel();
    }

    public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step)
    {
    }
}
