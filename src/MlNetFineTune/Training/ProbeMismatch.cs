namespace MlNetFineTune;

/// <summary>What to do when a loaded model scores its probe picture otherwise than where it was trained.</summary>
public enum ProbeMismatch
{
    /// <summary>Log a warning.</summary>
    Warn,

    /// <summary>Fail to load.</summary>
    Throw,
}
