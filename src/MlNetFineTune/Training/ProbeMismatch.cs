namespace MlNetFineTune;

/// <summary>The reaction if a loaded model scores its probe sample differently than in the training (by more than 0.001).</summary>
public enum ProbeMismatch
{
    /// <summary>A warning is logged. The default.</summary>
    Warn,

    /// <summary>Loading throws an exception.</summary>
    Throw,
}
