using System.IO.Compression;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Sizes and names of entries in the directory of ML.NET's zip. They are checked because ML.NET unpacks an entry of any length to a file
/// before its reader is called, and takes the last of two entries of one name; its archive is private.
/// </summary>
internal static class ModelEntries
{
    /// <param name="Length">Bytes unpacked; unpacking stops there, whatever the entry holds.</param>
    /// <param name="PackedLength">Bytes in the zip.</param>
    public readonly record struct Size(long Length, long PackedLength);

    /// <summary>Null where there is no such entry.</summary>
    public static Size? SizeOf(ModelLoadContext ctx, string name)
    {
        var path = Normal(Path.Combine(ctx.Directory ?? "", name));
        var found = Entries(ctx).FirstOrDefault(entry => Normal(entry.FullName) == path);
        return found is null ? null : new(found.Length, found.CompressedLength);
    }

    /// <summary>A name that two entries of the zip have; null where each has its own.</summary>
    public static string? Doubled(ModelLoadContext ctx)
    {
        // ML.NET's cache of unpacked entries ignores case.
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return Entries(ctx).Select(entry => Normal(entry.FullName)).FirstOrDefault(name => !names.Add(name));
    }

    private static IEnumerable<ZipArchiveEntry> Entries(ModelLoadContext ctx) =>
        ctx.Repository is { } repository ? Archive(repository).Entries : [];

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_archive")]
    private static extern ref ZipArchive Archive(RepositoryReader repository);

    // Archives of Windows have the other separator.
    private static string Normal(string path) => path.Replace('\\', '/');
}
