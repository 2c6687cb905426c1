using System.Buffers;

namespace MlNetFineTune.Primitives;

/// <summary>Memory for the work on one picture: pooled, unless it is so large that a pool, which keeps what it was given,
/// would hold on to gigabytes.</summary>
internal readonly ref struct ScratchBuffer<T>(int length) : IDisposable
    where T : unmanaged
{
    private const int LargestPooled = 16 << 20; // elements

    private readonly T[] _array = length <= LargestPooled ? ArrayPool<T>.Shared.Rent(length) : GC.AllocateUninitializedArray<T>(length);

    public Span<T> Span => _array.AsSpan(0, length);

    public void Dispose()
    {
        if (length <= LargestPooled)
            ArrayPool<T>.Shared.Return(_array);
    }
}
