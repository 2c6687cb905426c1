using System.Text.Json.Serialization;

namespace PhotoDesk;

/// <summary>A training, as it is now.</summary>
/// <param name="Id">Its number.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="StartedAt">When it was asked for.</param>
/// <param name="EndedAt">Null while it has not.</param>
/// <param name="Epoch">From 1; 0 before the first.</param>
/// <param name="Epochs">Of the whole training.</param>
/// <param name="Fraction">Of the work that is done, 0 to 1.</param>
/// <param name="SecondsLeft">Null where there is nothing to estimate from.</param>
/// <param name="History">Of the epochs that are complete.</param>
/// <param name="Message">What there is to say to a person.</param>
/// <param name="ModelId">That it made.</param>
internal sealed record Training(
    long Id, TrainingState State, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, int Epoch, int Epochs, double Fraction,
    double? SecondsLeft,
    IReadOnlyList<EpochLine> History, string? Message, long? ModelId)
{
    [JsonIgnore]
    public bool HasEnded => State is not (TrainingState.Queued or TrainingState.Running or TrainingState.Stopping);
}

/// <summary>An epoch that is complete.</summary>
internal sealed record EpochLine(int Epoch, double? TrainingLoss, double? ValidationLoss, double? Accuracy);

internal enum TrainingState
{
    Queued,
    Running,

    /// <summary>As asked: within a step.</summary>
    Stopping,

    /// <summary>It made a model.</summary>
    Finished,

    /// <summary>As asked. It made a model if an epoch was complete.</summary>
    Stopped,

    Failed,

    /// <summary>The program ended meanwhile, and the training could not go on.</summary>
    Interrupted,
}

/// <summary>What a training needs to begin, and to go on after a restart in just the same way.</summary>
/// <param name="Id">Its number.</param>
/// <param name="BaseModelId">The model that it continues from.</param>
/// <param name="Settings">Of its beginning.</param>
/// <param name="Starts">How often it was started, this time included.</param>
/// <param name="StopAsked">Before the program ended.</param>
internal sealed record TrainingOrder(long Id, long BaseModelId, TrainingSettings Settings, int Starts, bool StopAsked);

/// <summary>Options that decide the result.</summary>
internal sealed record TrainingSettings(int Epochs, float LearningRate, float CorrectionWeight);
