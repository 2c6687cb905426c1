namespace MlNetFineTune.WeightFiles;

/// <summary>Writes beside a file and renames, so that no half file is ever seen under its name, and a failed write leaves the old one.</summary>
internal static class AtomicFile
{
    /// <exception cref="DirectoryNotFoundException">The folder is not there.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"'{Path.GetFileName(path)}' cannot be written: there is no folder '{folder}'.");
        var beside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
