using System.Diagnostics;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Knows how far the training is and how fast it goes.</summary>
internal sealed class ProgressMeter(IProgress<TrainingProgress>? progress, int epochs)
{
    private readonly Stopwatch _total = Stopwatch.StartNew();
    private readonly Stopwatch _activityTime = new();
    private TrainingActivity _activity;
    private int _epoch;
    private int _rows;
    private int _totalRows;
    private TimeSpan _trainingBegan;
    private double _loss = double.NaN;
    private double _learningRate;
    private double _trainingRate;

    /// <summary>With what the training took before, in other processes.</summary>
    public TimeSpan Elapsed => Earlier + _total.Elapsed;

    public TimeSpan Earlier { get; set; }

    /// <summary>The last one; null before it.</summary>
    public Evaluation? Validation { get; set; }

    /// <summary>Null where nothing was kept.</summary>
    public FeatureCache.Report? Features { get; private set; }

    public void Add(FeatureCache.Report report) => Features = Features?.Plus(report) ?? report;

    public double RowsPerSecond => _rows / Math.Max(_activityTime.Elapsed.TotalSeconds, 1e-9);

    public void Begin(TrainingActivity activity, int epoch, int totalRows)
    {
        if (_activity == TrainingActivity.Training)
            _trainingRate = RowsPerSecond;
        if (activity == TrainingActivity.Training && epoch == 1)
            _trainingBegan = Elapsed;
        (_activity, _epoch, _totalRows, _rows) = (activity, epoch, totalRows, 0);
        if (activity == TrainingActivity.Training)
            _loss = double.NaN;
        _activityTime.Restart();
    }

    /// <summary>After a training step.</summary>
    public void Advance(int rows, double loss, double learningRate)
    {
        (_loss, _learningRate) = (loss, learningRate);
        Advance(rows);
    }

    public void Advance(int rows)
    {
        _rows += rows;
        Report(_activity);
    }

    /// <param name="loss">Mean training loss of the epoch, whose steps may have been those of an earlier process.</param>
    public void EndEpoch(double loss)
    {
        _loss = loss;
        Report(TrainingActivity.EpochCompleted);
    }

    private void Report(TrainingActivity activity) => progress?.Report(new TrainingProgress
    {
        Activity = activity,
        Epoch = _epoch,
        Epochs = epochs,
        Rows = _rows,
        TotalRows = _totalRows,
        Loss = _loss,
        ValidationLoss = Validation?.Loss,
        ValidationMetrics = Validation?.Metrics,
        LearningRate = _learningRate,
        RowsPerSecond =
            activity == TrainingActivity.EpochCompleted && _activity != TrainingActivity.Training ? _trainingRate : RowsPerSecond,
        Elapsed = Elapsed,
        Remaining = Remaining(activity),
    });

    // From the share of the epochs that is done. Validation belongs to its epoch, so only training and ends of epochs are estimated from.
    private TimeSpan? Remaining(TrainingActivity activity)
    {
        if (activity == TrainingActivity.ComputingFeatures)
            return TimeSpan.FromSeconds((_totalRows - _rows) / RowsPerSecond); // of this activity; the steps on ready features are quick
        var done = activity switch
        {
            TrainingActivity.Training => _epoch - 1 + _rows / (double)_totalRows,
            TrainingActivity.Validating or TrainingActivity.EpochCompleted => _epoch,
            _ => 0,
        };
        return done > 0 ? (Elapsed - _trainingBegan) * ((epochs - done) / done) : null;
    }
}
