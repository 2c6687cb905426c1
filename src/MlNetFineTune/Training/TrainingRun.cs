using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>One training: a network, what enters it, what is learnt, and how.</summary>
/// <param name="Network">Trained in place. Stays the caller's.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Objective">Loss and metrics.</param>
/// <param name="Plan">The parameters that train in each phase.</param>
/// <param name="Data">The rows. Stay the caller's.</param>
/// <param name="Options">The options of the user, unchanged.</param>
/// <param name="Seed">Decides every random choice.</param>
/// <param name="Host">Asked whether the training shall go on.</param>
/// <param name="Channel">The log.</param>
internal sealed record TrainingRun(
    FineTunedNetwork Network, ModelInput Input, Objective Objective, TrainingPlan Plan, TrainingData Data,
    FineTuningOptions Options, long Seed,
    IHost Host, IChannel Channel)
{
    /// <summary>Whose logits are learnt as well; null where there is none. Stays the caller's.</summary>
    public Teacher? Teacher { get; init; }

    /// <summary>An order of training rows in which all classes come equally often; null where nobody asks for it.</summary>
    public Func<IReadOnlyList<int>, BalancedSampling>? Balance { get; init; }

    /// <summary>Whether somebody wants what the finished network gives for the validation rows.</summary>
    public bool KeepsOutputs { get; init; } = Options.RunFolder is not null;

    /// <summary>Chooses the best epoch.</summary>
    public Metric Metric => Options.Metric ?? Metric.Loss;

    /// <summary>What the rows of a batch shall give, its teacher's logits included. Belongs to the present dispose scope.</summary>
    public Targets TargetsOf(StepInput batch) =>
        Objective.TargetsOf(Data.Training, batch.Rows, batch.Mix, Network.Device) with { TeacherLogits = batch.TeacherLogits };

    /// <summary>Whether as many epochs as <see cref="FineTuningOptions.EarlyStoppingPatience"/> brought no better one. Phases before the
    /// last are as long as the strategy says.</summary>
    /// <param name="epochs">Epochs that are complete.</param>
    /// <param name="best">The best of them, from 1.</param>
    public bool IsPatienceExhausted(int epochs, int best) =>
        StopRequest.Agree(epochs - Math.Max(best, Plan.Phases[^1].FirstEpoch - 1) >= Options.EarlyStoppingPatience);

    /// <exception cref="OperationCanceledException">The user or the host cancelled.</exception>
    public void CheckAlive()
    {
        Options.CancellationToken.ThrowIfCancellationRequested();
        Host.CheckAlive();
    }
}
