namespace MlNetFineTune.Tool;

/// <summary>While it is not disposed, the first Ctrl-C requests a graceful stop and the second cancels.</summary>
internal sealed class CtrlC : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancel = new();

    public CtrlC() => Console.CancelKeyPress += OnPressed;

    public CancellationToken StopToken => _stop.Token;

    public CancellationToken CancellationToken => _cancel.Token;

    // The sources are not disposed: the handler may be running on the thread of signals at this moment, where an ObjectDisposedException
    // would end the process. They hold nothing but memory, since no one asks them for a wait handle or a timer.
    public void Dispose() => Console.CancelKeyPress -= OnPressed;

    private void OnPressed(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = true;
        if (!_stop.IsCancellationRequested)
            Console.Error.WriteLine("Stopping with the best model so far. Press Ctrl-C again to end without one.");
        (_stop.IsCancellationRequested ? _cancel : _stop).Cancel();
    }
}
