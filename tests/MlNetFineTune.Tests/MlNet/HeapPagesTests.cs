using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class HeapPagesTests
{
    private const int Block = 48 << 20, Page = 4096; // larger than what glibc keeps by itself

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void FreedPagesAreKeptUntilTheLastPassEnds()
    {
        using var outer = HeapPages.Keep();
        if (outer is null)
            Assert.Inconclusive("The C library's variables are set by the user.");
        using (HeapPages.Keep())
            TakeAndFree();
        var first = Faults();
        for (var i = 0; i < 10; i++)
            TakeAndFree();
        Assert.IsLessThan(Block / Page, Faults() - first, "Each block has the pages of the one before.");

        var kept = ResidentBytes();
        Thread.Sleep(1100); // shorter passes give nothing back
        outer.Dispose();
        if (HeapPages.Passes == 0)
            Assert.IsLessThan(kept - Block / 2, ResidentBytes(), "Free pages go back to the system.");
        outer.Dispose(); // twice is once
    }

    [TestMethod]
    public void TheUserMayRefuse()
    {
        AppContext.SetSwitch(HeapPages.Switch, true);
        try
        {
            Assert.IsNull(HeapPages.Keep());
        }
        finally
        {
            AppContext.SetSwitch(HeapPages.Switch, false);
        }
    }

    [TestMethod]
    public void TrainingAndScoringEndTheirPasses()
    {
        var before = HeapPages.Passes;
        var ml = new MLContext(seed: 1);
        var photos = SmallPictures.Take(SmallPictures.PerClass); // more than a batch
        using var model = SmallTraining.Fit(ml, SmallTraining.Options with { Epochs = 1 }, photos);
        Assert.AreEqual(before, HeapPages.Passes);
        var scored = model.Transform(SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos)));
        using (var cursor = scored.GetRowCursor([scored.Schema["Score"]]))
        {
            var most = 0;
            while (cursor.MoveNext())
                most = Math.Max(most, HeapPages.Passes - before);
            Assert.AreEqual(CanKeep() ? 1 : 0, most);
        }
        Assert.AreEqual(before, HeapPages.Passes);
    }

    private static void TakeAndFree()
    {
        var block = Marshal.AllocHGlobal(Block);
        for (var at = 0; at < Block; at += Page)
            Marshal.WriteByte(block, at, 1);
        Marshal.FreeHGlobal(block);
    }

    private static bool CanKeep()
    {
        using var pages = HeapPages.Keep();
        return pages is not null;
    }

    // Page faults of this thread without reading from disk, field 10 of proc(5)'s stat; the name in brackets may hold spaces.
    private static long Faults() => Number(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[7]);

    private static long ResidentBytes() => Number(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
