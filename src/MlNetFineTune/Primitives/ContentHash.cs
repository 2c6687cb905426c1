using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MlNetFineTune.Primitives;

/// <summary>A SHA-256. What hashes alike is alike.</summary>
internal readonly record struct ContentHash(UInt128 High, UInt128 Low)
{
    public const int Size = SHA256.HashSizeInBytes;

    /// <summary>Seed of random numbers: equal for equal contents. Different contents may share it and then draw the same numbers.</summary>
    public int Ordinal => (int)(uint)Low;

    public static ContentHash Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Size];
        SHA256.HashData(bytes, hash);
        return Read(hash);
    }

    /// <param name="name">Kind of the content, which distinguishes equal bytes of different meaning.</param>
    /// <param name="bytes">The content.</param>
    public static ContentHash Of(string name, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(name + '\0'));
        hash.AppendData(bytes);
        return Take(hash);
    }

    /// <returns>Null if the file cannot be read.</returns>
    public static ContentHash? OfFile(string path)
    {
        try
        {
            if (OrdinaryFile.Refuse(path) is not null)
                return null;
            using var file = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            Span<byte> hash = stackalloc byte[Size];
            SHA256.HashData(file, hash);
            return Read(hash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Like no other.</summary>
    public static ContentHash Unique() => Of(Guid.NewGuid().ToByteArray());

    public static ContentHash Take(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[Size];
        hash.GetHashAndReset(bytes);
        return Read(bytes);
    }

    public static ContentHash Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], Low);
    }

    /// <summary>The hash in hexadecimal digits.</summary>
    public override string ToString() => $"{High:x32}{Low:x32}";
}
