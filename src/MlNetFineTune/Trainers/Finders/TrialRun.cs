using Microsoft.ML;
using MlNetFineTune.Reporting;
using MlNetFineTune.Training;

namespace MlNetFineTune.Trainers;

/// <summary>A training for measurement only: it reports no progress, writes no files, and its network is discarded.</summary>
internal static class TrialRun
{
    /// <summary>The options without early stopping, validation, checkpoints and reporting.</summary>
    /// <exception cref="ArgumentException">Several processes are asked for.</exception>
    public static FineTuningOptions Plain(FineTuningOptions options) => options.Processes.IsSeveral
        ? throw new ArgumentException(
            $"FindBatchSize and FindLearningRate measure one process, and Processes has {options.Processes.Size}: run them before, with "
            + "Processes = ProcessGroup.Single.", nameof(options))
        : options.AtFullSize with
        {
            Task = options.TaskInForce.WithoutValidation,
            Metric = null,
            Validation = ValidationData.None,
            Conformal = null,
            EarlyStoppingPatience = null,
            Progress = null,
            RunFolder = null,
            Mlflow = null,
            WeightAveraging = WeightAveraging.None,
            TimeBudget = null,
            OnDivergence = Divergence.Throw(float.PositiveInfinity),
            Checkpoint = TrainingCheckpoint.None,
        };

    /// <summary>Trains until the observer cancels <paramref name="end"/>, then disposes the network.</summary>
    /// <param name="ml">Device, log and seed.</param>
    /// <param name="data">The training data, as for <c>Fit</c>.</param>
    /// <param name="options">Options of the trial.</param>
    /// <param name="observer">Measures the steps.</param>
    /// <param name="isOver">Whether the observer has ended the training; an exception after that is ignored.</param>
    /// <param name="end">Linked to the options' own token.</param>
    /// <exception cref="OperationCanceledException">One of the options' tokens was cancelled.</exception>
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
            // Cancelled by the observer, or a loss that is not finite, which the observer has recorded.
        }
        if (!isOver())
            options.StopToken.ThrowIfCancellationRequested(); // an incomplete search has no result
    }
}
