using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>Files of models.</summary>
internal static class Models
{
    private const string ManifestEntry = "manifest.json", HashEntry = "manifest.sha256";

    private static readonly MLContext s_ml = new(seed: 1);
    private static readonly Lazy<(string Name, byte[] Content)[]> s_entries = new(ReadEntries);

    // With the classes that it asks for, as far as that can be told: those of the key column are in an entry beside it.
    public static void Manifest(byte[] input)
    {
        var manifest = ArchiveFiles.ManifestOf(Encoding.UTF8.GetString(input), "input");
        BindAny(manifest);
        ModelArchive.InputOf(manifest);
    }

    /// <param name="input">The manifest of a model whose other entries are sound. Its hash is made to fit.</param>
    public static void Zip(byte[] input)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in s_entries.Value)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(name.EndsWith(ManifestEntry, StringComparison.Ordinal) ? input
                    : name.EndsWith(HashEntry, StringComparison.Ordinal)
                        ? Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(input)))
                    : content);
            }
        }
        stream.Position = 0;
        (new MLContext(seed: 1).Model.Load(stream, out _) as IDisposable)?.Dispose();
    }

    public static void ClassKeys(byte[] input)
    {
        foreach (var keys in Scoring.ClassKeys.OfBytes(s_ml, input))
            _ = keys.Names.Count;
    }

    private static void BindAny(ModelManifest manifest)
    {
        try
        {
            manifest.Task.BindAll([]);
        }
        catch (ArgumentException)
        {
            manifest.Task.BindAll(Scoring.ClassKeys.OfBytes(s_ml, Seeds.ThreeClasses(s_ml)));
        }
    }

    private static (string, byte[])[] ReadEntries()
    {
        using var zip = ZipFile.OpenRead(Path.Combine(AppContext.BaseDirectory, "model.zip"));
        return [.. zip.Entries.Select(entry =>
        {
            using var content = entry.Open();
            return (entry.FullName, Bytes.Of(content));
        })];
    }
}
