using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// The beginning of a file that is being downloaded, kept when that ends too soon, with a note of the ETag it was sent under. Everything in
/// it is hashed, what an earlier attempt left included.
/// </summary>
internal sealed class PartialFile : IDisposable
{
    private readonly CachedFile _file;
    private readonly FileStream _stream;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private PartialFile(CachedFile file, FileStream stream)
    {
        _file = file;
        _stream = stream;
    }

    /// <summary>How many bytes are here.</summary>
    public long Length { get; private set; }

    /// <summary>A strong ETag of those bytes; null where none is known.</summary>
    public EntityTagHeaderValue? ETag { get; private set; }

    private string NotePath => _file.PartPath + ".json";

    /// <param name="file">The file of the cache, whose folder exists and is locked.</param>
    /// <param name="expected">With a known hash bytes can be continued even without an ETag: the end
    /// shows whether they belong together.</param>
    /// <param name="cancellationToken">Cancels the hashing of the existing bytes.</param>
    public static PartialFile Open(CachedFile file, Sha256Digits? expected, CancellationToken cancellationToken)
    {
        PartialFile partial;
        try
        {
            partial = new PartialFile(file,
                new FileStream(file.PartPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw file.CannotWrite(e);
        }
        try
        {
            partial.ETag = partial.ReadNote();
            if (partial.ETag is null && expected is null)
                partial.Restart(null);
            else
                partial.HashWhatIsHere(cancellationToken);
            return partial;
        }
        catch
        {
            partial.Dispose();
            throw;
        }
    }

    /// <summary>Drops what is here; the bytes to come have this ETag, which is written down if it can be trusted
    /// to tell one content from another.</summary>
    public void Restart(EntityTagHeaderValue? etag)
    {
        _stream.SetLength(0);
        _hash.GetHashAndReset();
        Length = 0;
        ETag = etag is { IsWeak: false } ? etag : null;
        if (ETag is null)
            CachedFile.TryDelete(NotePath);
        else
            File.WriteAllBytes(NotePath, JsonSerializer.SerializeToUtf8Bytes(new PartNote(ETag.Tag)));
    }

    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await _stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw _file.CannotWrite(e); // the disk is full
        }
        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Lower-case hexadecimal, of all bytes.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>Everything is on the disk before the file gets its name.</summary>
    public void CloseForGood()
    {
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        CachedFile.TryDelete(NotePath);
    }

    public void Delete()
    {
        _stream.Dispose();
        CachedFile.TryDelete(_file.PartPath);
        CachedFile.TryDelete(NotePath);
    }

    public void Dispose()
    {
        if (Length == 0)
            Delete(); // nothing was received
        _stream.Dispose();
        _hash.Dispose();
    }

    private void HashWhatIsHere(CancellationToken cancellationToken)
    {
        _stream.Position = 0;
        var buffer = new byte[1 << 20];
        while (_stream.Read(buffer) is > 0 and var count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _hash.AppendData(buffer, 0, count);
            Length += count;
        }
    }

    private EntityTagHeaderValue? ReadNote()
    {
        try
        {
            return JsonSerializer.Deserialize<PartNote>(File.ReadAllBytes(NotePath)) is { ETag: { } tag }
                && EntityTagHeaderValue.TryParse(tag, out var etag) ? etag : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private sealed record PartNote(string? ETag);
}
