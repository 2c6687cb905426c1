using System.Security.Cryptography;

namespace MlNetFineTune.Hosting;

/// <summary>
/// What tells a file from the one that takes its place. Length and time can be the same, as of archives that are made reproducibly; the end
/// of a zip, its directory with a checksum of each entry, then differs.
/// </summary>
/// <param name="Target">The file itself, where the path is a symbolic link.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Written">Time of the last change, UTC.</param>
/// <param name="End">SHA-256 of the last bytes; empty where they cannot be read at the moment.</param>
internal sealed record FileStamp(string Target, long Length, DateTime Written, string End)
{
    private const int LongestEnd = 8192;

    /// <returns>Null if there is no file, or none that can be seen.</returns>
    public static FileStamp? Of(string path)
    {
        try
        {
            var link = new FileInfo(path);
            var file = link.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? link;
            return file.Exists ? new FileStamp(file.FullName, file.Length, file.LastWriteTimeUtc, EndOf(file.FullName)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string EndOf(string path)
    {
        try
        {
            using var file = ModelFile.Open(path);
            var end = new byte[Math.Min(LongestEnd, file.Length)];
            file.Position = file.Length - end.Length;
            var read = file.ReadAtLeast(end, end.Length, throwOnEndOfStream: false);
            return Convert.ToHexString(SHA256.HashData(end.AsSpan(0, read)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
