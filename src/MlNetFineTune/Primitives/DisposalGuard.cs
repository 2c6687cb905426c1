namespace MlNetFineTune.Primitives;

/// <summary>
/// Lets any number of threads use a resource that another may dispose. Whoever uses it holds a lease; disposal waits until every lease is
/// returned, and a lease that is asked for later is an error.
/// </summary>
/// <param name="objectName">What was disposed, for the error.</param>
/// <param name="message">Of the error: what was disposed, and what to do.</param>
internal sealed class DisposalGuard(string objectName, string message)
{
    // Leases read, disposal writes. A thread may hold several leases, as where a pipeline has the same transformer twice and the getter of
    // one calls the other's. Not disposed itself: it must answer whoever comes later.
    private readonly ReaderWriterLockSlim _use = new(LockRecursionPolicy.SupportsRecursion);
    private bool _disposed;

    /// <summary>Keeps the resource until the lease is disposed, on the same thread.</summary>
    /// <exception cref="ObjectDisposedException">The resource was disposed.</exception>
    public Lease Use()
    {
        _use.EnterReadLock();
        if (!_disposed)
            return new Lease(_use);
        _use.ExitReadLock();
        throw new ObjectDisposedException(objectName, message);
    }

    /// <summary>Frees the resource after the leases that are out; the first call alone does.</summary>
    public void Dispose(Action free)
    {
        _use.EnterWriteLock();
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            free();
        }
        finally
        {
            _use.ExitWriteLock();
        }
    }

    public readonly ref struct Lease(ReaderWriterLockSlim use)
    {
        public void Dispose() => use.ExitReadLock();
    }
}
