using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MlNetFineTune.Primitives;

/// <summary>
/// The form of a file of values that are found by a key: a header of <see cref="HeaderSize"/> bytes, the values, and an index with each
/// value's key (32 bytes), offset and length (int64 each) and the first eight bytes of its SHA-256. Header, little-endian: magic (8 bytes),
/// format version (int32), 4 zero bytes, bytes of all values (int64), number of values (int64), the owner (32 bytes), SHA-256 of all of
/// these and the index.
/// </summary>
/// <param name="Magic">The first eight bytes, in ASCII.</param>
/// <param name="Noun">What the values are, in messages.</param>
/// <param name="Extension">Extension of complete files, with a point.</param>
/// <param name="Owner">Hash of everything that the values depend on apart from their keys.</param>
internal sealed record KeyedFileForm(string Magic, string Noun, string Extension, ContentHash Owner)
{
    public const int HeaderSize = 96;
    public const int EntrySize = ContentHash.Size + 2 * sizeof(long) + sizeof(ulong);
    private const int Version = 2;
    private const int Signed = 64;

    /// <summary>Extension of a file that is being written.</summary>
    public string TemporaryExtension => Extension + ".tmp";

    public byte[] Header(long bytes, ReadOnlySpan<byte> index)
    {
        var header = new byte[HeaderSize];
        WriteMagic(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), bytes);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), index.Length / EntrySize);
        Owner.Write(header.AsSpan(32));
        Sign(header.AsSpan(0, Signed), index).Write(header.AsSpan(Signed));
        return header;
    }

    public bool IsOurs(ReadOnlySpan<byte> header)
    {
        Span<byte> magic = stackalloc byte[8];
        WriteMagic(magic);
        return header.StartsWith(magic);
    }

    /// <summary>Bytes of all values and their number, if the length of the file is consistent with its header.</summary>
    /// <returns>Null if it is not.</returns>
    public (long Bytes, int Count)? SizesOf(ReadOnlySpan<byte> header, long fileLength)
    {
        var (bytes, count) = (BinaryPrimitives.ReadInt64LittleEndian(header[16..]), BinaryPrimitives.ReadInt64LittleEndian(header[24..]));
        var fits = BinaryPrimitives.ReadInt32LittleEndian(header[8..]) == Version && ContentHash.Read(header[32..]) == Owner
            && bytes >= 0 && count > 0 && count <= Array.MaxLength / EntrySize
            && (Int128)HeaderSize + bytes + count * (Int128)EntrySize == fileLength;
        return fits ? (bytes, (int)count) : null;
    }

    public static bool IsSignedFor(ReadOnlySpan<byte> header, ReadOnlySpan<byte> index) =>
        Sign(header[..Signed], index) == ContentHash.Read(header[Signed..]);

    public static void WriteEntry(Span<byte> entry, ContentHash key, long offset, long length, ulong checksum)
    {
        key.Write(entry);
        BinaryPrimitives.WriteInt64LittleEndian(entry[ContentHash.Size..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(entry[(ContentHash.Size + 8)..], length);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[(ContentHash.Size + 16)..], checksum);
    }

    /// <summary>An entry of an index. The offset is from the beginning of the file.</summary>
    public static (ContentHash Key, long Offset, long Length, ulong Checksum) ReadEntry(ReadOnlySpan<byte> entry) =>
        (ContentHash.Read(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[ContentHash.Size..]),
            BinaryPrimitives.ReadInt64LittleEndian(entry[(ContentHash.Size + 8)..]),
            BinaryPrimitives.ReadUInt64LittleEndian(entry[(ContentHash.Size + 16)..]));

    public static ulong Checksum(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private void WriteMagic(Span<byte> target)
    {
        for (var i = 0; i < 8; i++)
            target[i] = (byte)Magic[i];
    }

    private static ContentHash Sign(ReadOnlySpan<byte> header, ReadOnlySpan<byte> index)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(index);
        return ContentHash.Take(hash);
    }
}
