using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>A sum of tensors that is under way: the processes come to it, and the numbers are transferred.</summary>
internal abstract class TensorSum : PendingSum
{
    private readonly MpiGroup _group;
    private readonly Exchange _exchange;
    private bool _ended;

    protected TensorSum(MpiGroup group, Tensor buffer, Exchange exchange)
    {
        (_group, _exchange) = (group, exchange);
        Buffer = buffer.alias().DetachFromDisposeScope();
    }

    /// <summary>Keeps the memory alive.</summary>
    protected Tensor Buffer { get; }

    /// <summary>Starts the transfer. The memory is in use from here on.</summary>
    /// <exception cref="ProcessGroupException">The library failed.</exception>
    public void Start() => _group.Keep(this, StartTransfer);

    public override bool Progress()
    {
        if (_ended)
            return true;
        using var turn = _group.Enter();
        return _group.Call(() => _exchange.Test() & IsTransferred());
    }

    public override void Wait()
    {
        if (_ended)
            return;
        using var turn = _group.Enter();
        _group.WaitFor(_exchange, this);
        _group.WaitFor(IsTransferred, _exchange.Own, this);
        _ended = true;
        _group.Forget(this);
        _exchange.Dispose();
        EndTransfer();
        Buffer.Dispose();
    }

    protected abstract void StartTransfer();

    protected abstract bool IsTransferred();

    /// <summary>Frees what the transfer used, when it is complete.</summary>
    protected abstract void EndTransfer();
}
