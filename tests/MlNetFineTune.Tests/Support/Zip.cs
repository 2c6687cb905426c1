using System.IO.Compression;

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

    /// <summary>The content of the only entry whose name ends so.</summary>
    public static byte[] Entry(byte[] zip, string name) => Read(zip).Single(entry => entry.Key.EndsWith(name, StringComparison.Ordinal)).Value;

    /// <summary>The same file with other content in one entry; null removes it. With the manifest goes its hash, as in files from before it: what the manifest says is then judged itself.</summary>
    public static byte[] With(byte[] zip, string name, Func<byte[], byte[]?> change)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, content) in Read(zip))
            {
                if (name == "manifest.json" && path.EndsWith("manifest.sha256", StringComparison.Ordinal))
                    continue;
                if ((path.EndsWith(name, StringComparison.Ordinal) ? change(content) : content) is not { } bytes)
                    continue;
                using var entry = archive.CreateEntry(path).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
