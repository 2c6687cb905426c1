using System.Runtime.InteropServices;

namespace MlNetFineTune.Primitives;

/// <summary>Writes to a temporary file beside the target and renames it, so that no incomplete file is ever visible under the name,
/// and a failed write leaves the old one.</summary>
internal static partial class AtomicFile
{
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static void Write(string path, Action<Stream> write) => Write(path, write, overwrite: true);

    /// <summary>
    /// Writes the file if there is none. Of several processes that do so at the same time, one succeeds, except on a file system of Unix
    /// without hard links, where a later one may replace the file of another within the same instant.
    /// </summary>
    /// <returns>Whether the file was written; false if there is one already, which is left as it is.</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static bool TryWriteNew(string path, Action<Stream> write)
    {
        if (File.Exists(path))
            return false;
        try
        {
            Write(path, write, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    private static void Write(string path, Action<Stream> write, bool overwrite)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"'{Path.GetFileName(path)}' cannot be written: there is no folder '{folder}'.");
        var beside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using var stream = new FileStream(beside, FileMode.CreateNew);
            write(stream);
            Complete(stream, path, overwrite);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Gives the temporary file its final name. Its bytes are flushed to the disk before: after a power cut
    /// there is the old file or the whole new one.</summary>
    /// <param name="beside">The temporary file, on the same disk; closed on return.</param>
    /// <param name="path">The final path.</param>
    /// <param name="overwrite">Whether an existing file is replaced; otherwise it is an error.</param>
    public static void Complete(FileStream beside, string path, bool overwrite = true)
    {
        beside.Flush(flushToDisk: true);
        beside.Dispose();
        if (overwrite || !TryLink(beside.Name, path))
            File.Move(beside.Name, path, overwrite);
        else
            File.Delete(beside.Name);
    }

    // On Unix, File.Move without overwriting looks for the file and then renames, so that of two processes both may succeed. A hard link
    // is made or not, in one operation, on NFS too. Windows renames in one operation.
    private static bool TryLink(string existing, string path) => !OperatingSystem.IsWindows() && Link(existing, path) == 0;

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);
}
