namespace MlNetFineTune.MlNet;

/// <summary>
/// A stream that throws at its end. ML.NET's <c>BinarySaver</c> reads a value until all its bytes have arrived, and loops forever on a
/// truncated file.
/// </summary>
/// <param name="inner">The stream. The caller keeps ownership; it is not read ahead.</param>
internal sealed class CompleteStream(Stream inner) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position { get => inner.Position; set => inner.Position = value; }

    /// <exception cref="InvalidDataException">The stream has ended.</exception>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="InvalidDataException">The stream has ended.</exception>
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
