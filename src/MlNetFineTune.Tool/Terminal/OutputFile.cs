namespace MlNetFineTune.Tool;

/// <summary>Files that are written at the end of long work, looked at before it.</summary>
internal static class OutputFile
{
    /// <summary>Finds out whether a file can be written, without touching one that exists.</summary>
    /// <param name="path">Path of the file; null for none.</param>
    /// <exception cref="IOException">There is no such folder, it cannot be written to, or the path is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void RequireWritable(string? path)
    {
        if (path is null)
            return;
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full) ?? full;
        if (Directory.Exists(full))
            throw new IOException($"'{full}' is a folder; the name of a file is needed.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}' for '{Path.GetFileName(full)}'.");
        string beside = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"The folder '{folder}' for '{Path.GetFileName(full)}' cannot be written to.", e);
        }
    }
}
