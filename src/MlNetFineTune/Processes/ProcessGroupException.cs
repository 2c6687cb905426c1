namespace MlNetFineTune;

/// <summary>A process of a <see cref="ProcessGroup"/> has ended, does not answer, or disagrees with the others.</summary>
public sealed class ProcessGroupException : Exception
{
    /// <param name="message">What happened, in which process, and at which step.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public ProcessGroupException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
