using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>What a checkpoint says beside its tensors, as JSON.</summary>
internal sealed record CheckpointState
{
    // 2: what makes the training this one is canonical JSON; version 1 compared texts that differ from culture to culture.
    // 3: metrics by name.
    public const int CurrentVersion = 3;

    public int FormatVersion { get; init; } = CurrentVersion;

    /// <summary>What makes the training this one and no other: see <see cref="RunFingerprint"/>.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Training { get; init; }

    /// <summary>Torch's. With another number the training goes on, but not to the same bits.</summary>
    public required int Threads { get; init; }

    /// <summary>Time that the training has taken.</summary>
    public required TimeSpan Elapsed { get; init; }

    public required RunState Run { get; init; }

    /// <summary>Null between two parts of the plan, and at the end.</summary>
    public PhaseState? Phase { get; init; }

    /// <summary>Whose weights are kept, best first.</summary>
    public required IReadOnlyList<KeptEpoch> Best { get; init; }

    public required IReadOnlyList<KnownBadRow> BadRows { get; init; }

    /// <summary>Set when the training is over, and the weights are those of its model.</summary>
    public FinishedRun? Finished { get; init; }
}

/// <summary>Where a phase of the plan is.</summary>
/// <param name="FirstEpoch">Which part.</param>
/// <param name="OptimizerSteps">Steps taken.</param>
/// <param name="AverageUpdates">Of the moving average, if there is one.</param>
/// <param name="PendingBatches">Whose gradients wait for those of others.</param>
/// <param name="PendingCount">What their rows count.</param>
internal sealed record PhaseState(int FirstEpoch, int OptimizerSteps, int AverageUpdates, int PendingBatches, double PendingCount);

/// <summary>An epoch whose weights are kept.</summary>
internal sealed record KeptEpoch(int Epoch, Evaluation? Evaluation);

/// <summary>How a training ended.</summary>
internal sealed record FinishedRun(TrainingReport.EndReason End, TrainingReport.AveragedEpochs? Averaged);
