namespace MlNetFineTune;

/// <summary>The activities of a training.</summary>
public enum TrainingActivity
{
    /// <summary>Computing the outputs of the frozen stages for all rows, once.</summary>
    ComputingFeatures,

    /// <summary>Training on the rows of an epoch.</summary>
    Training,

    /// <summary>Evaluating the epoch on the validation rows.</summary>
    Validating,

    /// <summary>An epoch is complete.</summary>
    EpochCompleted,
}
