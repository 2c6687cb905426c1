namespace MlNetFineTune.Primitives;

/// <summary>A resource with several users, which is freed with the last of them. Thread-safe.</summary>
internal abstract class SharedResource
{
    private int _users;

    /// <summary>To be called once by each user, while there is another or before the first leaves.</summary>
    public void Join() => Interlocked.Increment(ref _users);

    /// <summary>To be called once by each user.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            Free();
    }

    protected abstract void Free();
}
