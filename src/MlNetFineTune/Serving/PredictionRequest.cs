namespace MlNetFineTune.Serving;

/// <summary>One row on its way through the predictor. Its caller goes on on a thread of his own, never on the one that scores.</summary>
internal sealed class PredictionRequest<TIn, TOut>(TIn row) : TaskCompletionSource<TOut>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public TIn Row { get; } = row;
}
