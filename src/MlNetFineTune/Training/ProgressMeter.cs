using System.Diagnostics;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Measures progress and speed of a training.</summary>
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

    /// <summary>Elapsed time, including earlier processes.</summary>
    public TimeSpan Elapsed => Earlier + _total.Elapsed;

    public TimeSpan Earlier { get; set; }

    /// <summary>The last evaluation; null before the first.</summary>
    public Evaluation? Validation { get; set; }

    /// <summary>Report of the feature cache; null if nothing was cached.</summary>
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

    /// <summary>Called after a training step.</summary>
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

    /// <param name="loss">Mean training loss of the epoch, including steps of an earlier process.</param>
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

    // From the completed fraction of the epochs. Validation is part of its epoch, so that only training and ends of epochs are used.
    private TimeSpan? Remaining(TrainingActivity activity)
    {
        if (activity == TrainingActivity.ComputingFeatures)
            return TimeSpan.FromSeconds((_totalRows - _rows) / RowsPerSecond); // of this activity; steps on cached features are fast
        var done = activity switch
        {
            TrainingActivity.Training => _epoch - 1 + _rows / (double)_totalRows,
            TrainingActivity.Validating or TrainingActivity.EpochCompleted => _epoch,
            _ => 0,
        };
        return done > 0 ? (Elapsed - _trainingBegan) * ((epochs - done) / done) : null;
    }
}
