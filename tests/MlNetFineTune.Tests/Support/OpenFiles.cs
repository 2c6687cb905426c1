namespace MlNetFineTune.Tests.Support;

/// <summary>Files of a folder that this process holds open. On Linux they may have no name any more.</summary>
internal static class OpenFiles
{
    public static int CountIn(string folder) => OperatingSystem.IsLinux()
        ? Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Count(link => TargetOf(link)?.StartsWith(folder + "/", StringComparison.Ordinal) == true)
        : Directory.GetFiles(folder).Length;

    private static string? TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget;
        }
        catch (IOException)
        {
            return null; // closed meanwhile
        }
    }
}
