namespace System.Threading;

/// <summary>The lock of .NET 9, by a monitor: the compiler turns <c>lock</c> into <see cref="EnterScope"/>.</summary>
internal sealed class Lock
{
    private readonly object _monitor = new();

    public Scope EnterScope()
    {
        Monitor.Enter(_monitor);
        return new Scope(_monitor);
    }

    public readonly ref struct Scope(object monitor)
    {
        public void Dispose() => Monitor.Exit(monitor);
    }
}
