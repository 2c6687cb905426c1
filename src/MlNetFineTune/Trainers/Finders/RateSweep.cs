using MlNetFineTune.MlNet;
using MlNetFineTune.Training;

namespace MlNetFineTune.Trainers;

/// <summary>
/// Records the loss while the learning rate rises, and ends the training after all steps, or when the smoothed loss exceeds 4 times its
/// minimum (fastai's rule) or is not finite.
/// </summary>
internal sealed class RateSweep(int steps, CancellationTokenSource end) : ITrainingObserver
{
    private const double Memory = 0.98;
    private const double Explosion = 4;

    private readonly List<(double LearningRate, double Loss, double SmoothedLoss)> _points = [];
    private double _rate;
    private double _sum;
    private int _rows;
    private double _mean;
    private double _best = double.PositiveInfinity;

    public IReadOnlyList<(double LearningRate, double Loss, double SmoothedLoss)> Points => _points;

    public bool IsOver { get; private set; }

    public void AfterStep(int step, int rows, double loss, double learningRate)
    {
        if (IsOver)
            return;
        if (learningRate != _rate)
            Complete();
        // A second phase of the strategy would restart at the lowest rate.
        if (IsOver || !double.IsFinite(loss) || learningRate < _rate)
        {
            End();
            return;
        }
        (_rate, _sum, _rows) = (learningRate, _sum + loss * rows, _rows + rows); // over all batches of one optimizer step
    }

    private void Complete()
    {
        if (_rows == 0)
            return;
        var loss = _sum / _rows;
        (_sum, _rows) = (0, 0);
        _mean = Memory * _mean + (1 - Memory) * loss;
        var smoothed = _mean / (1 - Math.Pow(Memory, _points.Count + 1));
        _points.Add((_rate, loss, smoothed));
        _best = Math.Min(_best, smoothed);
        if (smoothed > Explosion * _best || _points.Count == steps)
            End();
    }

    public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step)
    {
    }

    private void End()
    {
        IsOver = true;
        end.Cancel();
    }
}
