using Microsoft.ML;

namespace MlNetFineTune.Hosting;

/// <summary>A model and the number of its users. It is disposed once, when the last of them leaves.</summary>
/// <param name="transformer">The model, owned from here on.</param>
/// <param name="description">What it is.</param>
internal sealed class SharedModel(ITransformer transformer, HostedModel description)
{
    private int _users = 1; // the predictor

    public ITransformer Transformer => transformer;

    public HostedModel Description => description;

    /// <returns>False if the last user has left.</returns>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            (transformer as IDisposable)?.Dispose();
    }
}
