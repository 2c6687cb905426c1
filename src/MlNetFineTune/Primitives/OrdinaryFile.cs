using System.Formats.Tar;

namespace MlNetFineTune.Primitives;

/// <summary>Whether there is a file to read, asked before it is opened: opening a pipe without a writer never
/// ends, and neither does reading some devices.</summary>
internal static class OrdinaryFile
{
    /// <returns>The reason why the file cannot be read; null if there is none, or if opening it gives a better error.</returns>
    /// <exception cref="IOException">The attributes of the path cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the path is denied.</exception>
    /// <exception cref="ArgumentException">The path contains invalid characters.</exception>
    public static string? Refuse(string path)
    {
        var file = new FileInfo(path);
        if (file.Exists && file.Attributes.HasFlag(FileAttributes.ReparsePoint)
            && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target)
            file = target;
        return file.Exists ? file.Length > 0 ? null : WhyNothingIsIn(file.FullName)
            : Directory.Exists(path) ? "it is a folder"
            : null;
    }

    // Pipes and devices have no length. .NET gives the kind of a file only in its archive API.
    private static string WhyNothingIsIn(string path)
    {
        if (OperatingSystem.IsWindows())
            return "the file is empty";
        using var archive = new MemoryStream();
        try
        {
            using var writer = new TarWriter(archive, leaveOpen: true);
            writer.WriteEntry(path, "file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e is UnauthorizedAccessException ? "reading the file is not allowed" : "it is not a file"; // a socket
        }
        archive.Position = 0;
        using var reader = new TarReader(archive);
        return reader.GetNextEntry()!.EntryType switch
        {
            TarEntryType.Fifo => "it is a pipe, not a file",
            TarEntryType.CharacterDevice or TarEntryType.BlockDevice => "it is a device, not a file",
            _ => "the file is empty",
        };
    }
}
