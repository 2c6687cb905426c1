using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tests.Support;

/// <summary>Looks into model files, and damages them.</summary>
internal static class Zip
{
    public static Dictionary<string, byte[]> Read(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var stream = entry.Open();
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
    }

    /// <summary>A file of these entries.</summary>
    public static byte[] Of(IReadOnlyDictionary<string, byte[]> entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, content) in entries)
            {
                using var entry = archive.CreateEntry(path).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }

    /// <summary>The content of the only entry whose name ends so.</summary>
    public static byte[] Entry(byte[] zip, string name) => Read(zip)
        .Single(entry => entry.Key.EndsWith(name, StringComparison.Ordinal)).Value;

    /// <summary>
    /// The same file with other content in one entry; null removes it. The manifest's hash is updated, so that the content of the manifest
    /// itself is tested.
    /// </summary>
    public static byte[] With(byte[] zip, string name, Func<byte[], byte[]?> change)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            var entries = Read(zip);
            var changedManifest = name == "manifest.json"
                ? change(entries.Single(entry => entry.Key.EndsWith(name, StringComparison.Ordinal)).Value)
                : null;
            foreach (var (path, content) in entries)
            {
                var isHash = path.EndsWith("manifest.sha256", StringComparison.Ordinal);
                var changed = changedManifest is not null && isHash
                    ? Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(changedManifest)))
                    : !path.EndsWith(name, StringComparison.Ordinal) ? content
                    : changedManifest ?? change(content);
                if (changed is not { } bytes)
                    continue;
                using var entry = archive.CreateEntry(path).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
