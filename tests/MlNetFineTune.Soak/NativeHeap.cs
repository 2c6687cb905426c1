using System.Runtime.InteropServices;

namespace MlNetFineTune.Soak;

/// <summary>The C library's heap, of which libtorch, ONNX Runtime and Skia take their memory.</summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Bytes that are allocated and not freed. Unlike resident memory this is exact: the C library keeps freed blocks, and fragments of
    /// pages, and with them resident memory varies by a hundred megabytes from cycle to cycle.
    /// </summary>
    /// <returns>0 on systems that do not tell.</returns>
    public static long InUse()
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        try
        {
            var info = Info();
            return (long)(info.Uordblks + info.Hblkhd);
        }
        catch (EntryPointNotFoundException)
        {
            return 0; // musl, and glibc before 2.33
        }
    }

    // malloc.h
    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial MallInfo2 Info();

    // The struct of mallinfo2(3): uordblks are the bytes in use in all arenas, hblkhd those in blocks of their own.
    private readonly record struct MallInfo2(
        nuint Arena, nuint Ordblks, nuint Smblks, nuint Hblks, nuint Hblkhd, nuint Usmblks, nuint Fsmblks, nuint Uordblks, nuint Fordblks,
        nuint Keepcost);
}
