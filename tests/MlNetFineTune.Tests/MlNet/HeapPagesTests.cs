using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class HeapPagesTests
{
    // In a process of its own, on its first thread: the heap of another thread has room for 64 MB, with what others have put there.
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void FreedPagesAreKeptUntilTheLastPassEnds()
    {
        using var run = MpiRun.StartAlone("MlNetFineTune.Ranks", ["heap-pages", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
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

    private static bool CanKeep()
    {
        using var pages = HeapPages.Keep();
        return pages is not null;
    }
}
