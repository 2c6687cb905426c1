using System.Runtime.InteropServices;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// A sum of tensors that is under way. MPI reads and writes the tensor's own memory, or for a tensor on a GPU that of a copy on the host.
/// </summary>
internal sealed unsafe class TensorSum : PendingSum
{
    // Numbers per collective: 256 MB, below the limit of MPI's counts.
    private const long ChunkLength = 1 << 26;

    // From this size of the group on Open MPI has an algorithm for long sums that sends each number twice instead of once per level of a
    // tree, but only where terms and sums are in different places (nbc_iallreduce.c: "p < 4 || ... || inplace").
    private const int SeparateTermsFrom = 4;

    private readonly MpiGroup _group;
    private readonly Exchange _exchange;
    private readonly Requests _requests;
    private readonly Tensor _buffer; // keeps the memory alive
    private readonly Tensor? _host;
    private readonly List<nint> _terms = [];
    private bool _ended;

    public TensorSum(MpiGroup group, MpiLibrary library, Tensor buffer, Exchange exchange)
    {
        (_group, _exchange, _requests) = (group, exchange, new Requests(library));
        _buffer = buffer.alias().DetachFromDisposeScope();
        if (buffer.device_type != DeviceType.CPU)
            _host = buffer.cpu().DetachFromDisposeScope();
        group.Keep(this, () => Start(library)); // MPI has the memory as soon as one part is under way
    }

    public override bool Progress()
    {
        if (_ended)
            return true;
        using var turn = _group.Enter();
        return _group.Call(IsComplete);
    }

    public override void Wait()
    {
        if (_ended)
            return;
        using var turn = _group.Enter();
        _group.WaitFor(_exchange, this);
        _group.WaitFor(_requests, _exchange.Own, this);
        End();
    }

    private void Start(MpiLibrary library)
    {
        using var scope = NewDisposeScope();
        var flat = (_host ?? _buffer).view(-1);
        for (long start = 0, length = flat.numel(); start < length; start += ChunkLength)
        {
            var part = flat.narrow(0, start, Math.Min(ChunkLength, length - start)).bytes;
            fixed (byte* sums = part) // native memory: it does not move
                _requests.Add(library.StartSum(CopyOfTerms(part), sums, part.Length / sizeof(float), doubles: false));
        }
    }

    private bool IsComplete() => _exchange.Test() & _requests.Test();

    private void* CopyOfTerms(Span<byte> sums)
    {
        if (_group.Size < SeparateTermsFrom)
            return null;
        var terms = NativeMemory.Alloc((nuint)sums.Length);
        sums.CopyTo(new Span<byte>(terms, sums.Length));
        _terms.Add((nint)terms);
        return terms;
    }

    private void End()
    {
        _ended = true;
        _group.Forget(this);
        _exchange.Dispose();
        _terms.ForEach(terms => NativeMemory.Free((void*)terms));
        if (_host is not null)
        {
            using var noGradients = no_grad();
            _buffer.copy_(_host);
            _host.Dispose();
        }
        _buffer.Dispose();
    }
}
