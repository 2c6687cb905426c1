using System.Runtime.InteropServices;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Lets the C library keep the pages of freed memory while a training or a pass over many rows lasts. glibc takes each large block fresh
/// from the system and gives it back when it is freed, so that every activation of every batch is paid for with page faults: a third of a
/// training step of MobileNetV2 was system time. The settings (mallopt(3)) act on the whole process; when the last pass has ended they are
/// those that glibc reaches by itself, and all free pages go back to the system.
/// </summary>
internal sealed partial class HeapPages : IDisposable
{
    /// <summary>Name of an <see cref="AppContext"/> switch that, set to true, leaves the C library's settings alone.</summary>
    public const string Switch = "MlNetFineTune.LeaveAllocatorAlone";

    // malloc.h
    private const int TrimThreshold = -1, MmapThreshold = -3;

    // Where glibc's own threshold ends up once large blocks have been freed (DEFAULT_MMAP_THRESHOLD_MAX; trimming begins at twice of it).
    private const int UsualLargest = 32 << 20;

    private static readonly Lock s_lock = new();
    private static int s_passes;

    private bool _ended;

    private HeapPages()
    {
    }

    /// <summary>Number of passes that keep pages now.</summary>
    internal static int Passes
    {
        get
        {
            lock (s_lock)
                return s_passes;
        }
    }

    /// <summary>Keeps freed pages until it is disposed.</summary>
    /// <returns>Null where there is nothing to set: on other systems than Linux, and where the user has decided.</returns>
    public static HeapPages? Keep()
    {
        if (!OperatingSystem.IsLinux() || AppContext.TryGetSwitch(Switch, out var alone) && alone || UserHasDecided())
            return null;
        lock (s_lock)
        {
            if (s_passes++ == 0)
                Set(largestFromHeap: int.MaxValue, trimAbove: -1); // -1: never, by mallopt(3)
        }
        return new HeapPages();
    }

    public void Dispose()
    {
        lock (s_lock)
        {
            if (_ended)
                return;
            _ended = true;
            if (--s_passes > 0)
                return;
            Set(UsualLargest, 2 * UsualLargest);
        }
        _ = Trim(0); // outside the lock: tens of milliseconds for a gigabyte
    }

    // Variables of mallopt(3), which glibc has read at the start of the process.
    private static bool UserHasDecided() =>
        new[] { "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_" }.Any(IsSet)
        || Environment.GetEnvironmentVariable("GLIBC_TUNABLES")?.Contains("glibc.malloc.", StringComparison.Ordinal) == true;

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };

    private static void Set(int largestFromHeap, int trimAbove)
    {
        _ = SetOption(MmapThreshold, largestFromHeap);
        _ = SetOption(TrimThreshold, trimAbove);
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
