namespace MlNetFineTune.Hosting;

/// <summary>
/// What tells a file from the one that takes its place. The time of creation differs where two files have the same length and were given
/// the same time of writing; the target differs where a symbolic link is replaced.
/// </summary>
internal sealed record FileStamp(string Target, long Length, DateTime Written, DateTime Created)
{
    /// <returns>Null if there is no file, or none that can be seen.</returns>
    public static FileStamp? Of(string path)
    {
        try
        {
            var link = new FileInfo(path);
            var file = link.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? link;
            return file.Exists ? new FileStamp(file.FullName, file.Length, file.LastWriteTimeUtc, file.CreationTimeUtc) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
