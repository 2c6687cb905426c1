using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>The state in a checkpoint apart from its tensors, as JSON.</summary>
internal sealed record CheckpointState
{
    // 2: the fingerprint is canonical JSON; version 1 compared culture-dependent texts.
    // 3: metrics by name.
    public const int CurrentVersion = 3;

    public int FormatVersion { get; init; } = CurrentVersion;

    /// <summary>The identity of the training: see <see cref="RunFingerprint"/>.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Training { get; init; }

    /// <summary>Number of libtorch threads. With another number the training resumes, but is not bit-identical.</summary>
    public required int Threads { get; init; }

    /// <summary>Elapsed time of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    public required RunState Run { get; init; }

    /// <summary>State of the phase; null between two phases, and at the end.</summary>
    public PhaseState? Phase { get; init; }

    /// <summary>Epochs with stored weights, best first.</summary>
    public required IReadOnlyList<KeptEpoch> Best { get; init; }

    public required IReadOnlyList<KnownBadRow> BadRows { get; init; }

    /// <summary>Set when the training is complete and the weights are those of its model.</summary>
    public FinishedRun? Finished { get; init; }
}

/// <summary>The position in a phase of the plan.</summary>
/// <param name="FirstEpoch">First epoch of the phase.</param>
/// <param name="OptimizerSteps">Completed steps.</param>
/// <param name="AverageUpdates">Updates of the moving average, if there is one.</param>
/// <param name="PendingBatches">Number of batches with accumulated gradients.</param>
/// <param name="PendingCount">Total weight of their rows.</param>
internal sealed record PhaseState(int FirstEpoch, int OptimizerSteps, int AverageUpdates, int PendingBatches, double PendingCount);

/// <summary>An epoch with stored weights.</summary>
internal sealed record KeptEpoch(int Epoch, Evaluation? Evaluation);

/// <summary>How a training ended.</summary>
internal sealed record FinishedRun(TrainingReport.EndReason End, TrainingReport.AveragedEpochs? Averaged);
