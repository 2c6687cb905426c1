namespace MlNetFineTune.Serving;

/// <summary>One row in the predictor. Continuations of its task never run on the thread that scores.</summary>
internal sealed class PredictionRequest<TIn, TOut>(TIn row) : TaskCompletionSource<TOut>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public TIn Row { get; } = row;
}
