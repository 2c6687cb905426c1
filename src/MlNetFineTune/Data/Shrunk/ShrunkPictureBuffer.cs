using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// A picture that was just shrunk, in memory from the process-wide budget. Its share covers the decoding before, and after it the pixels
/// that are drawn from it: no other share must be taken while it is held.
/// </summary>
internal readonly ref struct ShrunkPictureBuffer : IDisposable
{
    private readonly ByteBudget.Share _share;
    private readonly ScratchBuffer<byte> _buffer;

    /// <param name="size">Size of the shrunk picture in pixels.</param>
    /// <param name="decoding">Bytes for decoding and resizing it.</param>
    /// <param name="cancellation">Cancels waiting for memory.</param>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public ShrunkPictureBuffer(PixelSize size, long decoding, CancellationToken cancellation)
    {
        var length = ShrunkPicture.LengthOf(size);
        _share = ByteBudget.Pixels.Take(length + Math.Max(decoding, ImageEncoder.BytesToDraw(size.Width, size.Height)), cancellation);
        try
        {
            _buffer = new ScratchBuffer<byte>(length);
        }
        catch
        {
            _share.Dispose();
            throw;
        }
    }

    /// <summary>The picture as <see cref="ShrunkPicture.TryRead"/> reads it.</summary>
    public Span<byte> Bytes => _buffer.Span;

    public void Dispose()
    {
        _buffer.Dispose();
        _share.Dispose();
    }
}
