using System.Buffers.Binary;
using System.Security.Cryptography;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// A file of features: a header of <see cref="HeaderSize"/> bytes, the features of each row, and an index with each row's key (32 bytes)
/// and the first eight bytes of its features' SHA-256. Header, little-endian: magic (8 bytes), format version (int32), 4 zero bytes, bytes
/// of a row (int64), rows (int64), the network's key (32 bytes), SHA-256 of all of these and the index.
/// </summary>
/// <param name="Network">Hash of everything that the features depend on apart from the picture.</param>
/// <param name="RowBytes">Bytes of a row, at least 4.</param>
internal sealed record FeatureFileForm(ContentHash Network, long RowBytes)
{
    public const string Extension = ".features";
    public const int HeaderSize = 96;
    public const int EntrySize = ContentHash.Size + sizeof(ulong);
    private const int Version = 1;
    private const int Signed = 64;

    private static ReadOnlySpan<byte> Magic => "MNFTFEAT"u8;

    public byte[] Header(ReadOnlySpan<byte> index)
    {
        var header = new byte[HeaderSize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), RowBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), index.Length / EntrySize);
        Network.Write(header.AsSpan(32));
        Sign(header.AsSpan(0, Signed), index).Write(header.AsSpan(Signed));
        return header;
    }

    public static bool IsOurs(ReadOnlySpan<byte> header) => header.StartsWith(Magic);

    /// <summary>Number of rows of a file, if its length is consistent.</summary>
    /// <returns>Null if the header is not consistent.</returns>
    public long? RowsOf(ReadOnlySpan<byte> header, long fileLength)
    {
        var rows = BinaryPrimitives.ReadInt64LittleEndian(header[24..]);
        var fits = BinaryPrimitives.ReadInt32LittleEndian(header[8..]) == Version
            && BinaryPrimitives.ReadInt64LittleEndian(header[16..]) == RowBytes
            && ContentHash.Read(header[32..]) == Network && rows > 0 && rows <= Array.MaxLength / EntrySize
            && (Int128)HeaderSize + rows * ((Int128)RowBytes + EntrySize) == fileLength;
        return fits ? rows : null;
    }

    public static bool IsSignedFor(ReadOnlySpan<byte> header, ReadOnlySpan<byte> index) =>
        Sign(header[..Signed], index) == ContentHash.Read(header[Signed..]);

    public static ulong Checksum(ReadOnlySpan<byte> features)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(features, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static ContentHash Sign(ReadOnlySpan<byte> header, ReadOnlySpan<byte> index)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(index);
        return ContentHash.Take(hash);
    }
}
