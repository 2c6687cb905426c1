namespace MlNetFineTune.WeightSources;

/// <summary>
/// Mutual exclusion between processes that download the same file into the cache. The lock is a file opened without sharing (on
/// Unix .NET uses flock), so that it is released when its process ends in any way. The empty file stays: deleting it would let
/// two processes lock two files of one name.
/// </summary>
internal static class CacheLock
{
    private static readonly TimeSpan s_betweenTries = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits as long as the other is at it, or until cancelled. The caller disposes it.</summary>
    public static async Task<IDisposable> AcquireAsync(CachedFile file, CancellationToken cancellationToken)
    {
        file.Prepare();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(file.FullPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (IsHeld(e))
            {
                await Task.Delay(s_betweenTries, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw file.CannotWrite(e);
            }
        }
    }

    // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION; EWOULDBLOCK of Linux and of macOS.
    private static bool IsHeld(IOException e) => e.GetType() == typeof(IOException)
        && (OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) is 32 or 33 : e.HResult is 11 or 35);
}
