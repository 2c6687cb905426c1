namespace MlNetFineTune.Reporting;

/// <summary>A request that was not done.</summary>
/// <param name="message">Server, request and reason, as a sentence.</param>
/// <param name="isTransient">Whether the same request may be done later.</param>
internal sealed class MlflowFailure(string message, bool isTransient) : Exception(message)
{
    public bool IsTransient => isTransient;
}
