using System.Globalization;

namespace MlNetFineTune.Trainers;

/// <summary>
/// Bytes that this process can still allocate: the minimum of the machine's memory available without swapping and the remainder of the
/// container's limit. Linux reports both; on other systems the garbage collector's estimate is used.
/// </summary>
internal static class AvailableMemory
{
    public static long Bytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            var memory = GC.GetGCMemoryInfo(GCKind.Any);
            return Math.Max(memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes, 0);
        }
        return new[] { OfMachine("/proc/meminfo"), OfContainer("/sys/fs/cgroup", "memory.max", "memory.current"),
            OfContainer("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes") }.Min() ?? 0;
    }

    /// <summary>The line <c>MemAvailable:  123 kB</c>.</summary>
    internal static long? OfMachine(string path)
    {
        var line = TryRead(path)?.Split('\n').FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, ..]
            && long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value * 1024 : null;
    }

    /// <summary>Null if there is no limit: the file does not exist or contains <c>max</c>.</summary>
    internal static long? OfContainer(string folder, string limitFile, string usedFile) =>
        Number(Path.Combine(folder, limitFile)) is { } limit && Number(Path.Combine(folder, usedFile)) is { } used
            ? Math.Max(limit - used, 0)
            : null;

    private static long? Number(string path) =>
        long.TryParse(TryRead(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
