namespace System.Threading;

/// <summary>The lock of .NET 9, by a monitor: the compiler turns <c>lock</c> into <see cref="EnterScope"/>.</summary>
internal sealed class Lock
{
    private readonly object _monitor = new();

    public Scope EnterScope()
    {
        Enter();
        return new Scope(this);
    }

    public void Enter() => Monitor.Enter(_monitor);

    public bool TryEnter(TimeSpan timeout) => Monitor.TryEnter(_monitor, timeout);

    public void Exit() => Monitor.Exit(_monitor);

    public readonly ref struct Scope(Lock entered)
    {
        public void Dispose() => entered.Exit();
    }
}
