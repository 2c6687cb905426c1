using System.Buffers.Binary;
using System.Text;

namespace MlNetFineTune.WeightFiles;

/// <summary>Buffered sequential reading of small values from a <see cref="ByteSource"/>.
/// All integers are little-endian.</summary>
/// <param name="bytes">The file.</param>
/// <param name="start">Position of the first byte.</param>
/// <param name="end">End of the readable part; the end of the file by default.</param>
internal sealed class BufferedBytes(ByteSource bytes, long start, long? end = null)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = new byte[8192];
    private readonly long _end = end ?? bytes.Length;
    private long _bufferStart;
    private int _bufferLength;

    /// <summary>Position of the next byte in the file. May be set, to skip bytes without reading them.</summary>
    public long Position { get; set; } = start;

    public long Left => _end - Position;

    /// <exception cref="EndOfStreamException">The readable part ends here.</exception>
    public byte ReadByte()
    {
        var index = Position - _bufferStart;
        if (index < 0 || index >= _bufferLength)
        {
            Fill();
            index = 0;
        }
        Position++;
        return _buffer[index];
    }

    /// <summary>An integer of one to eight bytes.</summary>
    public ulong ReadUnsigned(int size)
    {
        Span<byte> eight = stackalloc byte[8];
        eight.Clear();
        for (var i = 0; i < size; i++)
            eight[i] = ReadByte();
        return BinaryPrimitives.ReadUInt64LittleEndian(eight);
    }

    /// <exception cref="EndOfStreamException">Fewer bytes are left. Nothing was allocated.</exception>
    public byte[] ReadBytes(int count)
    {
        RequireLeft(count);
        var result = new byte[count];
        for (var i = 0; i < count; i++)
            result[i] = ReadByte();
        return result;
    }

    /// <exception cref="DecoderFallbackException">The bytes are not UTF-8.</exception>
    public string ReadText(int byteCount) => s_strict.GetString(ReadBytes(byteCount));

    /// <exception cref="EndOfStreamException">Fewer bytes are left.</exception>
    public void Skip(long count)
    {
        RequireLeft(count);
        Position += count;
    }

    private void RequireLeft(long count)
    {
        if (count < 0 || count > Left)
            throw new EndOfStreamException($"{count} bytes were expected at byte {Position}; {Left} are left.");
    }

    private void Fill()
    {
        RequireLeft(1);
        _bufferLength = (int)Math.Min(_buffer.Length, Left);
        _bufferStart = Position;
        bytes.Read(_bufferStart, _buffer.AsSpan(0, _bufferLength));
    }
}
