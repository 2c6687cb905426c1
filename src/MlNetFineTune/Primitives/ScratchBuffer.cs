using System.Buffers;

namespace MlNetFineTune.Primitives;

/// <summary>Temporary memory for one picture: rented from the shared pool,
/// or allocated where it is so large that the pool would retain gigabytes.</summary>
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
