namespace MlNetFineTune.Primitives;

/// <summary>Space on the disk of a folder.</summary>
internal static class DiskSpace
{
    /// <summary>Bytes left where a folder is.</summary>
    /// <param name="folder">Full path of the folder.</param>
    /// <returns>Null where the system does not report it, as for network shares of Windows.</returns>
    public static long? FreeBytes(string folder)
    {
        try
        {
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
