using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>One training: network, input, objective, plan, data and options.</summary>
/// <param name="Network">The network, trained in place. The caller keeps ownership.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Objective">Loss and metrics.</param>
/// <param name="Plan">The phases with their trained parameters.</param>
/// <param name="Data">The rows. The caller keeps ownership.</param>
/// <param name="Options">The options of the user, unchanged.</param>
/// <param name="Seed">Seed of every random choice.</param>
/// <param name="Host">Host, which can cancel the training.</param>
/// <param name="Channel">The log.</param>
internal sealed record TrainingRun(
    FineTunedNetwork Network, ModelInput Input, Objective Objective, TrainingPlan Plan, TrainingData Data,
    FineTuningOptions Options, long Seed,
    IHost Host, IChannel Channel)
{
    /// <summary>The teacher; null if there is none. The caller keeps ownership.</summary>
    public Teacher? Teacher { get; init; }

    /// <summary>Creates a class-balanced order of training rows; null if not requested.</summary>
    public Func<IReadOnlyList<int>, BalancedSampling>? Balance { get; init; }

    /// <summary>Whether outputs of the trained network for the validation rows are needed.</summary>
    public bool KeepsOutputs { get; init; } = Options.RunFolder is not null;

    /// <summary>Receives the first training pictures, for the report; null where they are not shown.</summary>
    public BatchSheet? Sheet { get; init; }

    /// <summary>The processes that train together.</summary>
    public ProcessGroup Processes => Options.Processes;

    /// <summary>Compares the processes before the training, and ends all if this one fails.</summary>
    public ProcessGuard Guard { get; init; } = new(Options.Processes);

    /// <summary>The metric that selects the best epoch.</summary>
    public Metric Metric => Options.Metric ?? Metric.Loss;

    /// <summary>What the rows of a batch shall give, its teacher's logits included. Belongs to the current dispose scope.</summary>
    public Targets TargetsOf(StepInput batch) =>
        Objective.TargetsOf(Data.Training, batch.Rows, batch.Mix, Network.Device) with { TeacherLogits = batch.TeacherLogits };

    /// <summary>
    /// Whether there was no improvement for <see cref="FineTuningOptions.EarlyStoppingPatience"/> epochs. Only in the last phase, and on
    /// pictures of full size: the length of what comes before is set by the strategy and by <see cref="ProgressiveResizing"/>.
    /// </summary>
    /// <param name="epochs">The completed epochs.</param>
    /// <param name="best">The best epoch, from 1.</param>
    public bool IsPatienceExhausted(int epochs, int best) =>
        epochs - Math.Max(best, Math.Max(Plan.Phases[^1].FirstEpoch - 1, Options.Resizing?.LastEpoch(Options.Epochs) ?? 0))
            >= Options.EarlyStoppingPatience;

    /// <summary>To be called at the same place in all processes, of which each can be cancelled.</summary>
    /// <exception cref="OperationCanceledException">The user or the host cancelled, in any process.</exception>
    public void CheckAlive()
    {
        if (Processes.IsSeveral)
        {
            if (Processes.Any(IsCancelled))
                throw Cancelled();
            return;
        }
        CheckThisProcess();
    }

    /// <summary>
    /// Whether the training must end now. The same answer in all processes, which all must ask at the same place; costs one exchange.
    /// </summary>
    /// <param name="stop">The request of a regular end; null if only a cancellation ends what is computed.</param>
    /// <exception cref="OperationCanceledException">The user or the host cancelled, in any process.</exception>
    public bool MustStop(StopRequest? stop)
    {
        if (stop is null || !Processes.IsSeveral)
        {
            CheckAlive();
            return stop is { IsDue: true };
        }
        return stop.Agree(IsCancelled, []) ? throw Cancelled() : stop.Agreed is not null;
    }

    /// <summary>Whether this process was cancelled.</summary>
    public bool IsCancelled
    {
        get
        {
            try
            {
                CheckThisProcess();
                return false;
            }
            catch (OperationCanceledException)
            {
                return true;
            }
        }
    }

    /// <summary>The exception that all processes throw when one of them was cancelled.</summary>
    public OperationCanceledException Cancelled() =>
        AgreedFailure.Of(new OperationCanceledException("The training was cancelled.", Options.CancellationToken));

    private void CheckThisProcess()
    {
        Options.CancellationToken.ThrowIfCancellationRequested();
        Host.CheckAlive();
    }
}
