using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// The file of a block: its rows in ML.NET's binary format, which <c>ml.Data.LoadFromBinary</c> reads as it is, followed by a description
/// as JSON, the length of the JSON (int32, little-endian), magic (8 bytes), and the SHA-256 of everything before.
/// </summary>
internal static class BlockFile
{
    private const int FooterSize = sizeof(int) + MagicSize + SHA256.HashSizeInBytes;
    private const int MagicSize = 8;
    private const int LongestDescription = 4096;

    private static readonly JsonSerializerOptions s_json = new()
    {
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private static ReadOnlySpan<byte> Magic => "MNFTBLCK"u8;

    /// <summary>What the file is.</summary>
    /// <param name="Scoring">See <see cref="ShardFolder.Identity"/>.</param>
    /// <param name="Block">Number of the block.</param>
    /// <param name="Rows">Number of rows.</param>
    /// <param name="Sample">Hash of the first row of the input, see <see cref="RowSample"/>.</param>
    public sealed record Description(string Scoring, long Block, int Rows, string Sample);

    /// <param name="path">Path of the file; an existing file is replaced.</param>
    /// <param name="description">What the file is; the rows are counted when they are written.</param>
    /// <param name="write">Writes the rows to the beginning of a stream.</param>
    public static void Write(string path, Func<Description> description, Action<Stream> write) => AtomicFile.Write(path, stream =>
    {
        write(stream);
        var json = JsonSerializer.SerializeToUtf8Bytes(description(), s_json);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, json.Length);
        stream.Seek(0, SeekOrigin.End);
        stream.Write(json);
        stream.Write(length);
        stream.Write(Magic);
        stream.Position = 0;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(stream, hash); // to the end
        stream.Write(hash);
    });

    /// <summary>Opens a file whose checksum is right. The caller disposes the stream, which stands at its beginning.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or not one of a block; the message names the reason.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static FileStream Open(string path, out Description description)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            description = Verify(stream);
            stream.Position = 0;
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static Description Verify(FileStream stream)
    {
        var content = stream.Length - FooterSize;
        if (content < 0)
            throw new InvalidDataException($"it has {stream.Length} bytes, fewer than its end");
        Span<byte> footer = stackalloc byte[FooterSize];
        stream.Position = content;
        stream.ReadExactly(footer);
        var length = BinaryPrimitives.ReadInt32LittleEndian(footer);
        if (!footer[sizeof(int)..].StartsWith(Magic) || length is <= 0 or > LongestDescription || length > content)
            throw new InvalidDataException("it does not end as the file of a block does");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        HashTo(stream, stream.Length - SHA256.HashSizeInBytes, hash);
        if (!hash.SequenceEqual(footer[(sizeof(int) + MagicSize)..]))
            throw new InvalidDataException("its checksum is wrong");
        var json = new byte[length];
        stream.Position = content - length;
        stream.ReadExactly(json);
        try
        {
            return JsonSerializer.Deserialize<Description>(json, s_json)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"its description cannot be read ({SafeText.Message(e)})", e);
        }
    }

    private static void HashTo(FileStream stream, long end, Span<byte> result)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var buffer = new ScratchBuffer<byte>(1 << 16);
        stream.Position = 0;
        for (var left = end; left > 0;)
        {
            var part = buffer.Span[..(int)Math.Min(left, 1 << 16)];
            stream.ReadExactly(part);
            hash.AppendData(part);
            left -= part.Length;
        }
        hash.GetHashAndReset(result);
    }
}
