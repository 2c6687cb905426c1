namespace MlNetFineTune.MlNet;

/// <summary>
/// A stream that says where it ends. ML.NET's <c>BinarySaver</c> reads parts of a value until so many bytes have come, and of a file that
/// was cut off none come any more: it never ends.
/// </summary>
/// <param name="inner">Stays the caller's, and is read no further than asked.</param>
internal sealed class CompleteStream(Stream inner) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position { get => inner.Position; set => inner.Position = value; }

    /// <exception cref="InvalidDataException">There is nothing left.</exception>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="InvalidDataException">There is nothing left.</exception>
    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        return read > 0 || buffer.IsEmpty ? read : throw new InvalidDataException("The model's label values end too early.");
    }

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
