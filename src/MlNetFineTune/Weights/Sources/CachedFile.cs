using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// One file of the cache, present or not. Under its own name it is always complete: it is written to a <c>.part</c> file beside it,
/// verified, and renamed. Nothing is written through a link inside the cache, which could lead out of it.
/// </summary>
/// <param name="root">The cache's folder. It may itself be a link: people move their caches.</param>
/// <param name="parts">The folders below it and the name, each <see cref="CacheName.IsSafe"/> or escaped.</param>
internal sealed class CachedFile(string root, params string[] parts)
{
    public string Name => parts[^1];

    public string FullPath { get; } = Path.Combine([root, .. parts]);

    public string PartPath => FullPath + ".part";

    /// <summary>Another file in the same folder.</summary>
    public CachedFile Beside(string name) => new(root, [.. parts[..^1], name]);

    /// <summary>Whether it is there and as it should be. A file that someone placed by hand is hashed the first time.</summary>
    /// <exception cref="InvalidDataException">The file exists with another hash.</exception>
    public bool IsThere(Sha256Digits? expected = null)
    {
        if (!File.Exists(FullPath))
            return false;
        var file = (FileInfo?)File.ResolveLinkTarget(FullPath, returnFinalTarget: true) ?? new FileInfo(FullPath);
        if (!file.Exists)
            return false;
        var receipt = Receipt.TryRead(FullPath);
        expected ??= Sha256Digits.TryParse(receipt?.Sha256);
        if (expected is null || (receipt is not null && receipt.Describes(file) && expected.Matches(receipt.Sha256)))
            return true;

        string found;
        using (var stream = file.OpenRead())
            found = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (!expected.Matches(found))
            throw new InvalidDataException(
                $"'{FullPath}' is not the file it should be: expected SHA-256 {expected}, found {found} ({file.Length} bytes). "
                + "Delete it, and it is downloaded again.");
        TryWriteReceipt((receipt ?? new Receipt { Bytes = 0, Sha256 = found, Modified = default }) with
        {
            Bytes = file.Length,
            Sha256 = found,
            Modified = file.LastWriteTimeUtc
        });
        return true;
    }

    /// <summary>Makes the folder.</summary>
    /// <exception cref="IOException">The file cannot be written, or a link leads out of the cache.</exception>
    public void Prepare()
    {
        try
        {
            Directory.CreateDirectory(root);
            var path = root;
            foreach (var part in parts[..^1])
            {
                path = Path.Combine(path, part);
                RefuseLink(path);
                Directory.CreateDirectory(path);
            }
            RefuseLink(PartPath);
            RefuseLink(FullPath);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && e.GetType() != typeof(LinkInCacheException)))
        {
            throw CannotWrite(e);
        }
    }

    /// <summary>A small file, whole or not at all.</summary>
    public void Write(byte[] content)
    {
        Prepare();
        try
        {
            AtomicFile.Write(FullPath, stream => stream.Write(content));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw CannotWrite(e);
        }
    }

    /// <summary>The finished part gets its name.</summary>
    public void Complete(Receipt receipt)
    {
        File.Move(PartPath, FullPath, overwrite: true);
        TryWriteReceipt(receipt with { Modified = File.GetLastWriteTimeUtc(FullPath) });
    }

    public IOException CannotWrite(Exception why) =>
        new(
        $"The cache of weights cannot be written: '{FullPath}': {why.Message} Choose another folder by MLNETFINETUNE_CACHE or "
        + "PretrainedWeights.Cache.Folder.",
        why);

    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            // A leftover file is harmless.
        }
    }

    // A read-only cache works; its files are hashed each time.
    private void TryWriteReceipt(Receipt receipt)
    {
        try
        {
            Beside(Path.GetFileName(Receipt.PathOf(FullPath))).Write(receipt.ToJson());
        }
        catch (IOException)
        {
        }
    }

    private static void RefuseLink(string path)
    {
        if (new FileInfo(path).LinkTarget is { } target)
            throw new LinkInCacheException(
                $"'{path}' is a link to '{target}'. Nothing is written through links inside the cache of weights; remove it. "
                + "(The cache's own folder may be a link.)");
    }

    private sealed class LinkInCacheException(string message) : IOException(message);
}
