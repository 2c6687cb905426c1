using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Search;

/// <summary>
/// The file format of an index, little-endian: magic (8 bytes), format version (int32), dimension (int32), number of rows (int32), size of
/// the keys in bytes (int64); the keys, each as length (int32) and UTF-8; the vectors (Single); the SHA-256 of everything before.
/// </summary>
internal static class ImageIndexFile
{
    private const int Version = 1;
    private const int HeaderSize = 28;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "MNFTINDX"u8;

    public static void Write(Stream stream, int dimension, IReadOnlyList<string> keys, UnitVectors vectors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var buffered = new BufferedStream(new HashingStream(stream, hash), 1 << 16))
        {
            Span<byte> header = stackalloc byte[HeaderSize];
            Magic.CopyTo(header);
            BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
            BinaryPrimitives.WriteInt32LittleEndian(header[12..], dimension);
            BinaryPrimitives.WriteInt32LittleEndian(header[16..], keys.Count);
            BinaryPrimitives.WriteInt64LittleEndian(header[20..], keys.Sum(key => sizeof(int) + (long)s_utf8.GetByteCount(key)));
            buffered.Write(header);
            Span<byte> length = stackalloc byte[sizeof(int)];
            foreach (var key in keys)
            {
                var bytes = s_utf8.GetBytes(key);
                BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
                buffered.Write(length);
                buffered.Write(bytes);
            }
            for (var row = 0; row < keys.Count; row++)
                buffered.Write(MemoryMarshal.AsBytes(vectors[row]));
        }
        stream.Write(hash.GetHashAndReset());
    }

    /// <exception cref="InvalidDataException">The file is damaged or not an index; the message names the reason.</exception>
    /// <exception cref="EndOfStreamException">The file is truncated.</exception>
    public static (int Dimension, List<string> Keys, UnitVectors Vectors) Read(Stream stream, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var hashed = new HashingStream(stream, hash);
        Span<byte> header = stackalloc byte[HeaderSize];
        hashed.ReadExactly(header);
        if (!header.StartsWith(Magic))
            throw new InvalidDataException("it does not begin as an image index does");
        if (BinaryPrimitives.ReadInt32LittleEndian(header[8..]) is var version && version != Version)
            throw new InvalidDataException($"it has format version {version}, and this library reads version {Version}");
        var dimension = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        var count = BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        var keysSize = BinaryPrimitives.ReadInt64LittleEndian(header[20..]);
        // The length of the file limits all allocations below.
        if (dimension is < 1 or > ImageIndex.LargestDimension || count < 0 || keysSize < count * (long)sizeof(int)
            || HeaderSize + keysSize + count * (Int128)dimension * sizeof(float) + SHA256.HashSizeInBytes != length)
        {
            throw new InvalidDataException($"its header ({count} rows of {dimension} numbers) does not fit its length of {length} bytes");
        }
        var keys = ReadKeys(hashed, count, keysSize);
        var vectors = new UnitVectors(dimension);
        for (var row = 0; row < count; row++)
            hashed.ReadExactly(MemoryMarshal.AsBytes(vectors.Append()));
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        stream.ReadExactly(expected);
        if (!expected.SequenceEqual(hash.GetHashAndReset()))
            throw new InvalidDataException("its checksum is wrong");
        for (var row = 0; row < count; row++)
        {
            if (!(Math.Abs(TensorPrimitives.Norm<float>(vectors[row]) - 1) < 1e-3f)) // NaN fails too
                throw new InvalidDataException($"the vector of {SafeText.Quoted(keys[row])} is not of length 1");
        }
        return (dimension, keys, vectors);
    }

    private static List<string> ReadKeys(Stream stream, int count, long size)
    {
        var keys = new List<string>();
        Span<byte> lengthBytes = stackalloc byte[sizeof(int)];
        for (var i = 0; i < count; i++)
        {
            stream.ReadExactly(lengthBytes);
            var length = BinaryPrimitives.ReadInt32LittleEndian(lengthBytes);
            size -= sizeof(int) + (long)length;
            if (length < 0 || size < 0)
                throw new InvalidDataException($"key {i} is longer than the file says");
            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            try
            {
                keys.Add(s_utf8.GetString(bytes));
            }
            catch (DecoderFallbackException)
            {
                throw new InvalidDataException($"key {i} is not UTF-8");
            }
        }
        return size == 0 ? keys : throw new InvalidDataException($"{size} bytes follow its last key");
    }
}
