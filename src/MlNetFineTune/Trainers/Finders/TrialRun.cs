using Microsoft.ML;
using MlNetFineTune.Reporting;
using MlNetFineTune.Training;

namespace MlNetFineTune.Trainers;

/// <summary>A training that is only watched: nothing of the user's is told, written or kept.</summary>
internal static class TrialRun
{
    /// <summary>The options without what ends, judges, keeps or shows a training.</summary>
    public static FineTuningOptions Plain(FineTuningOptions options) => options with
    {
        Task = options.TaskInForce.WithoutValidation,
        Metric = null,
        Validation = ValidationData.None,
        EarlyStoppingPatience = null,
        Progress = null,
        RunFolder = null,
        WeightAveraging = WeightAveraging.None,
        TimeBudget = null,
        OnDivergence = Divergence.Throw(float.PositiveInfinity),
        Checkpoint = TrainingCheckpoint.None,
    };

    /// <summary>Trains until the observer cancels <paramref name="end"/>; the network is then disposed.</summary>
    /// <param name="ml">Device, log and seed.</param>
    /// <param name="data">As <c>Fit</c> takes them.</param>
    /// <param name="options">Options of the trial.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="isOver">Whether the observer has called the end: what ends the training then is no fault.</param>
    /// <param name="end">Linked to the options' own token.</param>
    /// <exception cref="OperationCanceledException">One of the options' tokens asked for it.</exception>
    public static void Run(MLContext ml, IDataView data, FineTuningOptions options, ITrainingObserver observer, Func<bool> isOver,
        CancellationTokenSource end)
    {
        options = options with { Observer = observer, CancellationToken = end.Token };
        try
        {
            using var model = (IDisposable)options.CreateTrainer(ml).Fit(data);
        }
        catch (Exception e) when (isOver() && e is (OperationCanceledException or InvalidOperationException))
        {
            // Cancelled by the observer; or a loss that is no number, which the observer heard of first.
        }
        if (!isOver())
            options.StopToken.ThrowIfCancellationRequested(); // half a search is none
    }
}
