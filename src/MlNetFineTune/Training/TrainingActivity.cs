namespace MlNetFineTune;

/// <summary>What a training is doing.</summary>
public enum TrainingActivity
{
    /// <summary>Running the frozen part of the network over all pictures, once.</summary>
    ComputingFeatures,

    /// <summary>Changing weights.</summary>
    Training,

    /// <summary>Judging the epoch on the validation pictures.</summary>
    Validating,

    /// <summary>An epoch is complete.</summary>
    EpochCompleted,
}
