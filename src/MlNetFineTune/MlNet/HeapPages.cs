using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Lets the C library keep the pages of freed memory while a training or a pass over many rows lasts. glibc takes each large block fresh
/// from the system and gives it back when it is freed, so that every activation of every batch is paid for with page faults: two fifths of
/// a head-only step of MobileNetV2 were system time. The settings (mallopt(3)) act on the whole process; when the last pass has ended they
/// are those that glibc reaches by itself, and after more than a second all free pages go back to the system.
/// </summary>
internal sealed partial class HeapPages : IDisposable
{
    /// <summary>Name of an <see cref="AppContext"/> switch that, set to true, leaves the C library's settings alone.</summary>
    public const string Switch = "MlNetFineTune.LeaveAllocatorAlone";

    // malloc.h
    private const int TrimThreshold = -1, MmapThreshold = -3;

    // Where glibc's own threshold ends up once large blocks have been freed (DEFAULT_MMAP_THRESHOLD_MAX; trimming begins at twice of it).
    private const int UsualLargest = 32 << 20;

    // Many short passes, such as those of a service, would pay for the same pages again and again.
    private static readonly TimeSpan s_worthTrimming = TimeSpan.FromSeconds(1);

    private static readonly Lock s_lock = new();
    private static int s_passes;
    private static long s_start;

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
            if (s_passes == 0)
            {
                s_start = Stopwatch.GetTimestamp();
                // glibc has had a limit of 32 MB for it (HEAP_MAX_SIZE / 2).
                if (!Set(largestFromHeap: int.MaxValue, trimAbove: -1) && !Set(UsualLargest, trimAbove: -1)) // -1: never
                    return null;
            }
            s_passes++;
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
            if (Stopwatch.GetElapsedTime(s_start) < s_worthTrimming)
                return;
        }
        _ = Trim(0); // outside the lock: tens of milliseconds for a gigabyte
    }

    // Variables of mallopt(3), which glibc has read at the start of the process.
    private static bool UserHasDecided() =>
        new[] { "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_" }.Any(IsSet)
        || Environment.GetEnvironmentVariable("GLIBC_TUNABLES")?.Contains("glibc.malloc.", StringComparison.Ordinal) == true;

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };

    private static bool Set(int largestFromHeap, int trimAbove) =>
        SetOption(MmapThreshold, largestFromHeap) != 0 && SetOption(TrimThreshold, trimAbove) != 0;

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
