using Microsoft.Win32.SafeHandles;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The bytes of a picture's file, in memory from the process-wide budget.</summary>
internal ref struct PictureBytes : IDisposable
{
    private readonly ScratchBuffer<byte> _buffer;
    private readonly ByteBudget.Share _share;
    private readonly bool _isTaken;
    private int _length;

    public PictureBytes(int length, CancellationToken cancellation)
    {
        _share = ByteBudget.Sources.Take(length, cancellation);
        try
        {
            _buffer = new ScratchBuffer<byte>(length);
        }
        catch
        {
            _share.Dispose();
            throw;
        }
        _isTaken = true;
    }

    public readonly ReadOnlySpan<byte> Span => _isTaken ? _buffer.Span[.._length] : default;

    /// <summary>Reads a file until its end or until the buffer is full.</summary>
    public void Fill(SafeFileHandle file)
    {
        var target = _buffer.Span;
        while (_length < target.Length && RandomAccess.Read(file, target[_length..], _length) is > 0 and var count)
            _length += count;
    }

    public readonly void Dispose()
    {
        if (!_isTaken)
            return;
        _buffer.Dispose();
        _share.Dispose();
    }
}
