using System.Text.Json.Serialization;

namespace PhotoDesk;

/// <summary>The current state of a training.</summary>
/// <param name="Id">Its number.</param>
/// <param name="State">State of the training.</param>
/// <param name="StartedAt">Time of the request.</param>
/// <param name="EndedAt">Time of the end; null before.</param>
/// <param name="Epoch">Current epoch from 1; 0 before the first.</param>
/// <param name="Epochs">Number of epochs.</param>
/// <param name="Fraction">Completed fraction of the work, 0 to 1.</param>
/// <param name="SecondsLeft">Estimated remaining seconds; null if unknown.</param>
/// <param name="History">Completed epochs.</param>
/// <param name="Message">Message for the user.</param>
/// <param name="ModelId">Its model; null without one.</param>
internal sealed record Training(
    long Id, TrainingState State, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, int Epoch, int Epochs, double Fraction,
    double? SecondsLeft,
    IReadOnlyList<EpochLine> History, string? Message, long? ModelId)
{
    [JsonIgnore]
    public bool HasEnded => State is not (TrainingState.Queued or TrainingState.Running or TrainingState.Stopping);
}

/// <summary>A completed epoch.</summary>
internal sealed record EpochLine(int Epoch, double? TrainingLoss, double? ValidationLoss, double? Accuracy);

internal enum TrainingState
{
    Queued,
    Running,

    /// <summary>A stop was requested and takes effect within a step.</summary>
    Stopping,

    /// <summary>Completed with a model.</summary>
    Finished,

    /// <summary>Stopped on request, with a model if an epoch was complete.</summary>
    Stopped,

    Failed,

    /// <summary>The program ended, and the training could not be resumed.</summary>
    Interrupted,
}

/// <summary>What a training needs to start, and to resume identically after a restart.</summary>
/// <param name="Id">Its number.</param>
/// <param name="BaseModelId">The model that it continues from.</param>
/// <param name="Settings">Settings at its start.</param>
/// <param name="Starts">Number of starts, including this one.</param>
/// <param name="StopAsked">Whether a stop was requested before the program ended.</param>
internal sealed record TrainingOrder(long Id, long BaseModelId, TrainingSettings Settings, int Starts, bool StopAsked);

/// <summary>Options that determine the result.</summary>
internal sealed record TrainingSettings(int Epochs, float LearningRate, float CorrectionWeight);
