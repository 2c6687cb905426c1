using System.Runtime.InteropServices;
using System.Xml.Linq;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Trainers;
using SkiaSharp;

namespace MlNetFineTune.Tests.Trainers;

[TestClass]
public sealed class BatchSizeFinderTests
{
    private const long MiB = 1 << 20;

    private readonly MLContext _ml = new();
    private readonly List<int> _tried = [];

    private static long Base => 500 * MiB;

    [TestMethod]
    public void NothingIsBegunThatMightNotFit()
    {
        // 10 MiB a row: a batch of 32 needs 160 MiB more than one of 16, with a quarter for caution 200, and 85 % of 234 is 198.9.
        var search = Finder(
            size => (100 * size, Base + 10 * MiB * size), available: size => (size == 16 ? 234 : 10_000) * MiB, resident: true)
                .Find(256, 1000, Base);

        CollectionAssert.AreEqual(new[] { 2, 4, 8, 16 }, _tried);
        StringAssert.Contains(search.End, "a batch of 32 would take about 200 MiB more, and 234 MiB are available");
        Assert.AreEqual(16, search.Suggestion);
        var enough = Finder(
            size => (100 * size, Base + 10 * MiB * size), size => (size == 16 ? 236 : 10_000) * MiB, resident: true).Find(32, 1000, Base);
        CollectionAssert.Contains(enough.Trials.Select(trial => trial.BatchSize).ToList(), 32);
    }

    [TestMethod]
    public void TheSmallestThatIsNearlyAsQuickIsSuggestedAndTwoDoublingsWithoutGainEndTheSearch()
    {
        var rates = new Dictionary<int, double> { [2] = 10, [4] = 20, [8] = 29, [16] = 29.5, [32] = 29.8 };

        var search = Finder(size => (rates[size], 0)).Find(256, 1000, 0);

        CollectionAssert.AreEqual(new[] { 2, 4, 8, 16, 32 }, _tried);
        Assert.AreEqual(8, search.Suggestion);
        Assert.AreEqual("twice and four times the batch of 8 were no quicker", search.End);
    }

    [TestMethod]
    public void RowsTheLargestAndAFullGpuEndTheSearchToo()
    {
        Assert.AreEqual("there are 10 rows", Finder(size => (size, 0)).Find(256, 10, 0).End);
        Assert.AreEqual("the largest to be tried was 12", Finder(size => (size, 0)).Find(12, 1000, 0).End);
        Assert.AreEqual(
            "a batch of 8 did not find enough memory",
            Finder(size => size < 8 ? (size, 0) : throw new ExternalException("CUDA out of memory.")).Find(256, 1000, 0).End);
        Assert.Throws<ExternalException>(
            () => Finder(_ => throw new ExternalException("CUDA out of memory.")).Find(256, 1000, 0), "nothing can be suggested");
        Assert.Throws<ExternalException>(
            () => Finder(size => size < 8 ? (size, 0) : throw new ExternalException("shape")).Find(256, 1000, 0));
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => Finder(_ => (1, 0)).Find(256, 1, 0)).Message, "there are 1 rows");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void BatchesOfATrainingAreMeasured(bool activationCheckpointing)
    {
        using var folder = new Folder();
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8)));

        var options = SmallTraining.Options with
        {
            BatchSize = 1000,
            Progress = new Never(),
            ActivationCheckpointing = activationCheckpointing,
        };

        var search = _ml.FineTuning.FindBatchSize(data, options, largest: 8);

        CollectionAssert.IsSubsetOf(search.Trials.Select(trial => trial.BatchSize).ToArray(), new[] { 2, 4, 8 });
        Assert.IsGreaterThanOrEqualTo(2, search.Trials.Count);
        Assert.IsTrue(
            search.Trials.All(trial => trial.RowsPerSecond > 0 && double.IsFinite(trial.RowsPerSecond) && trial.PeakBytes > 50 * MiB),
            string.Join("; ", search.Trials));
        Assert.IsTrue(search.Trials.Any(trial => trial.BatchSize == search.Suggestion));
        search.SaveChart(folder.File("batch.svg"));
        var texts = XDocument.Load(folder.File("batch.svg")).Descendants().Where(element => element.Name.LocalName == "text").ToList();
        CollectionAssert.AreEqual(
            new[] { "Throughput in rows a second", "Peak memory of the process in MiB" },
            texts.Where(text => text.Attribute("class")?.Value == "title").Select(text => text.Value).ToArray());
        Assert.HasCount(1, texts.Where(text => text.Value == $"suggestion {search.Suggestion}").ToList());
        var canceled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindBatchSize(data, SmallTraining.Options with { CancellationToken = canceled }));
        Assert.Throws<OperationCanceledException>(
            () => _ml.FineTuning.FindBatchSize(data, SmallTraining.Options with { StopToken = canceled }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.FindBatchSize(data, SmallTraining.Options, largest: 1));
    }

    [TestMethod]
    public void TheMemoryThatIsLeftIsTheLeastThatMachineAndContainerLeave()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("meminfo"), "MemTotal:       100 kB\nMemFree:        5 kB\nMemAvailable:   42 kB\n");
        File.WriteAllText(folder.File("limited"), "1000\n");
        File.WriteAllText(folder.File("free"), "max\n");
        File.WriteAllText(folder.File("used"), "400\n");

        Assert.AreEqual(42 * 1024, AvailableMemory.OfMachine(folder.File("meminfo")));
        Assert.IsNull(AvailableMemory.OfMachine(folder.File("nowhere")));
        Assert.AreEqual(600, AvailableMemory.OfContainer(folder.File("."), "limited", "used"));
        Assert.IsNull(AvailableMemory.OfContainer(folder.File("."), "free", "used"));
        Assert.IsNull(AvailableMemory.OfContainer(folder.File("nowhere"), "limited", "used"));
        Assert.IsTrue(AvailableMemory.Bytes() is > 0 and < 1L << 50);
    }

    private BatchSizeFinder Finder(Func<int, (double, long)> trial, Func<int, long>? available = null, bool resident = false)
    {
        _tried.Clear();
        return new BatchSizeFinder(
            () => available?.Invoke(_tried[^1]) ?? long.MaxValue / 4,
            () => resident ? Base + 10 * MiB * _tried[^1] : 0,
            size =>
            {
                _tried.Add(size);
                return trial(size);
            });
    }

    private sealed class Never : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Assert.Fail("the user's progress is not told of a trial");
    }
}
