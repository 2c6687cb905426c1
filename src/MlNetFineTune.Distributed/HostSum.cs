using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// A sum by MPI, which reads and writes the tensor's own memory, or for a tensor on a GPU that of a copy on the host.
/// </summary>
internal sealed unsafe class HostSum : TensorSum
{
    // Numbers per collective: 256 MB, below the limit of MPI's counts.
    private const long ChunkLength = 1 << 26;

    // From this size of the group on Open MPI has an algorithm for long sums that sends each number twice instead of once per level of a
    // tree, but only where terms and sums are in different places (nbc_iallreduce.c: "p < 4 || ... || inplace").
    private const int SeparateTermsFrom = 4;

    private readonly MpiLibrary _library;
    private readonly Requests _requests;
    private readonly Tensor? _host;
    private readonly List<nint> _terms = [];

    public HostSum(MpiGroup group, MpiLibrary library, Tensor buffer, Exchange exchange)
        : base(group, buffer, exchange)
    {
        (_library, _requests) = (library, new Requests(library));
        if (buffer.device_type != DeviceType.CPU)
            _host = buffer.cpu().DetachFromDisposeScope();
    }

    protected override void StartTransfer()
    {
        using var scope = NewDisposeScope();
        var flat = (_host ?? Buffer).view(-1);
        for (long start = 0, length = flat.numel(); start < length; start += ChunkLength)
        {
            var part = flat.narrow(0, start, Math.Min(ChunkLength, length - start)).bytes;
            fixed (byte* sums = part) // native memory: it does not move
                _requests.Add(_library.StartSum(CopyOfTerms(part), sums, part.Length / sizeof(float), doubles: false));
        }
    }

    protected override bool IsTransferred() => _requests.Test();

    protected override void EndTransfer()
    {
        _terms.ForEach(terms => NativeMemory.Free((void*)terms));
        if (_host is null)
            return;
        using var noGradients = no_grad();
        Buffer.copy_(_host);
        _host.Dispose();
    }

    private void* CopyOfTerms(Span<byte> sums)
    {
        if (_library.Size < SeparateTermsFrom)
            return null;
        var terms = NativeMemory.Alloc((nuint)sums.Length);
        sums.CopyTo(new Span<byte>(terms, sums.Length));
        _terms.Add((nint)terms);
        return terms;
    }
}
