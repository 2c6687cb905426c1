using System.Globalization;
using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Ranks;

/// <summary>Takes and frees large blocks while pages are kept, and counts page faults.</summary>
internal static class HeapPagesProgram
{
    private const int Block = 48 << 20, Page = 4096; // larger than what glibc keeps by itself

    public static void Run()
    {
        var outer = HeapPages.Keep();
        if (outer is null)
            return; // the variables of the C library are set by the user
        using (HeapPages.Keep())
            TakeAndFree();
        var first = Faults();
        for (var i = 0; i < 10; i++)
            TakeAndFree();
        Require(Faults() - first < Block / Page, "each block has the pages of the one before");

        var kept = ResidentBytes();
        Thread.Sleep(1100); // shorter passes give nothing back
        outer.Dispose();
        Require(HeapPages.Passes == 0 && ResidentBytes() < kept - Block / 2, "free pages go back to the system");
        outer.Dispose(); // twice is once
        Require(HeapPages.Passes == 0, "no pass is counted twice");
    }

    private static void TakeAndFree()
    {
        var block = Marshal.AllocHGlobal(Block);
        for (var at = 0; at < Block; at += Page)
            Marshal.WriteByte(block, at, 1);
        Marshal.FreeHGlobal(block);
    }

    // Page faults of this thread without reading from disk, field 10 of proc(5)'s stat; the name in brackets may hold spaces.
    private static long Faults() => Number(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[7]);

    private static long ResidentBytes() => Number(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException(what);
    }
}
