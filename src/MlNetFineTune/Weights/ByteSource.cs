using Microsoft.Win32.SafeHandles;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.WeightFiles;

/// <summary>Random access to bytes: of a file, or of a stream that is read forward only. Nothing is buffered;
/// readers supply the memory.</summary>
internal abstract class ByteSource : IDisposable
{
    public abstract long Length { get; }

    /// <exception cref="EndOfStreamException">The source ends before <paramref name="into"/> is full.</exception>
    public abstract void Read(long offset, Span<byte> into);

    public abstract void Dispose();

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is a folder, a pipe, or empty.</exception>
    public static ByteSource OfFile(string path)
    {
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException($"{SafeText.Quoted(Path.GetFullPath(path), SafeText.SentenceLength)} cannot be read: {reason}.");
        return File.Exists(path)
            ? new FileBytes(File.OpenHandle(path))
            : throw new FileNotFoundException($"There is no weights file '{Path.GetFullPath(path)}'.", path);
    }

    /// <summary>A part of a zip, say. Offsets must not go backward. The stream stays the caller's.</summary>
    public static ByteSource OfStream(Stream stream, long length) => new StreamBytes(stream, length);

    /// <summary>What is in memory already.</summary>
    public static ByteSource OfMemory(ReadOnlyMemory<byte> bytes) => new MemoryBytes(bytes);

    private sealed class MemoryBytes(ReadOnlyMemory<byte> bytes) : ByteSource
    {
        public override long Length => bytes.Length;

        public override void Read(long offset, Span<byte> into)
        {
            if (offset > bytes.Length - into.Length)
                throw new EndOfStreamException($"The bytes end at {bytes.Length}.");
            bytes.Span.Slice((int)offset, into.Length).CopyTo(into);
        }

        public override void Dispose()
        {
        }
    }

    private sealed class FileBytes(SafeFileHandle file) : ByteSource
    {
        public override long Length { get; } = RandomAccess.GetLength(file);

        public override void Read(long offset, Span<byte> into)
        {
            while (into.Length > 0)
            {
                var count = RandomAccess.Read(file, into, offset);
                if (count == 0)
                    throw new EndOfStreamException($"The file ends at byte {offset}.");
                into = into[count..];
                offset += count;
            }
        }

        public override void Dispose() => file.Dispose();
    }

    private sealed class StreamBytes(Stream stream, long length) : ByteSource
    {
        private long _position;

        public override long Length => length;

        public override void Read(long offset, Span<byte> into)
        {
            if (offset < _position)
                throw new InvalidOperationException(
                    $"Byte {offset} was asked for after byte {_position} of a stream that only goes forward.");
            Span<byte> skipped = stackalloc byte[4096];
            while (_position < offset)
            {
                var part = skipped[..(int)Math.Min(skipped.Length, offset - _position)];
                stream.ReadExactly(part);
                _position += part.Length;
            }
            stream.ReadExactly(into);
            _position += into.Length;
        }

        public override void Dispose()
        {
        }
    }
}
