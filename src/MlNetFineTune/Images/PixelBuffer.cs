using System.Buffers;

namespace MlNetFineTune.Images;

/// <summary>Memory for one picture: pooled, unless it is so large that a pool, which keeps what it was given, would hold on to gigabytes.</summary>
internal readonly ref struct PixelBuffer(int length) : IDisposable
{
    private const int LargestPooled = 64 << 20;

    private readonly byte[] _array = length <= LargestPooled ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);

    public Span<byte> Span => _array.AsSpan(0, length);

    public void Dispose()
    {
        if (length <= LargestPooled)
            ArrayPool<byte>.Shared.Return(_array);
    }
}
