using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>A training that goes on in another process, with everything it has in folders: what can be watched is whole,
/// and features are computed once in all.</summary>
[TestClass]
public sealed class ResumedFoldersTests : IDisposable
{
    private static readonly Photo[] s_photos = SmallPictures.Take(8);

    private readonly MLContext _ml = new();
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void TheRunFolderTellsTheWholeTraining()
    {
        var options = SmallTraining.Options with
        {
            Augmentation = Augmentation.Light,
            Validation = ValidationData.Fraction(
            0.25f),
            Epochs = 4,
            BatchSize = 4
        };
        using var whole = SmallTraining.Fit(_ml, options with { RunFolder = _folder.File("whole") }, s_photos);
        var interrupted = options with
        {
            RunFolder = _folder.File("run"),
            Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 1),
        };
        Die(interrupted, epoch: 2);
        Die(interrupted, epoch: 3);

        using var model = SmallTraining.Fit(_ml, interrupted, s_photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        CollectionAssert.AreEqual(HistoryOf("whole"), HistoryOf("run"));
        Assert.HasCount(1 + 4, HistoryOf("run"));
        Assert.IsTrue(File.Exists(_folder.File("run/report.html")));
        Assert.HasCount(1, Directory.GetFiles(_folder.File("whole"), "events.out.tfevents.*"));
        Assert.HasCount(3, Directory.GetFiles(_folder.File("run"), "events.out.tfevents.*"),
            "one of each process: TensorBoard reads them in order");
    }

    [TestMethod]
    public void TensorBoardFindsEveryStepOnceMoreAtMostAndWithTheSameNumbers()
    {
        var options = SmallTraining.Options with { Epochs = 3, BatchSize = 4 };
        using (SmallTraining.Fit(_ml, options with { RunFolder = _folder.File("whole") }, s_photos))
        {
        }
        var interrupted = options with
        {
            RunFolder = _folder.File("run"),
            Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 2),
        };
        Die(interrupted, epoch: 2);
        using (SmallTraining.Fit(_ml, interrupted, s_photos))
        {
        }

        var (expected, actual) = (LossesOf("whole"), LossesOf("run"));
        CollectionAssert.AreEqual(expected.Select(one => one.Step).Distinct().ToArray(),
            actual.Select(one => one.Step).Distinct().Order().ToArray());
        CollectionAssert.AreEquivalent(expected, actual.Distinct().ToList(), "a step that was done twice gave the same loss");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)] // the features were deleted in between
    public void FeaturesInAFolderAreComputedByTheFirstProcessAlone(bool kept)
    {
        var options = SmallTraining.Options with
        {
            Strategy = Strategy.LastStages(
            1),
            Validation = ValidationData.Fraction(0.25f),
            Epochs = 4,
            BatchSize = 4
        };
        using var whole = SmallTraining.Fit(_ml, options, s_photos);
        var inFolders = options with
        {
            FeatureCache = FeatureCache.InFolder(_folder.File("features")),
            RunFolder = _folder.File("run"),
            Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 1),
        };
        Die(inFolders, epoch: 2);
        if (!kept)
            Directory.Delete(_folder.File("features"), recursive: true);

        using var model = SmallTraining.Fit(_ml, inFolders, s_photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        var cache = model.Report!.FeatureCache!;
        Assert.AreEqual(kept ? (0, s_photos.Length) : (s_photos.Length, 0), (cache.RowsComputed, cache.RowsFound));
    }

    private void Die(ImageFineTuningOptions options, int epoch)
    {
        var steps = 0;
        var watcher = new Watcher(progress =>
        {
            if (progress.Epoch == epoch && progress.Activity == TrainingActivity.Training && ++steps == 2)
                throw new DivideByZeroException();
        });
        Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = watcher }, s_photos));
    }

    // Without the seconds, which are the last column.
    private string[] HistoryOf(string run) =>
        [.. File.ReadAllLines(_folder.File($"{run}/history.csv")).Select(line => line[..line.LastIndexOf(',')])];

    private List<(int Step, string Loss)> LossesOf(string run) =>
    [
        .. Directory.GetFiles(_folder.File(run), "events.out.tfevents.*")
            .SelectMany(file => Python.RunOrSkip("tensorboard_events.py", file).EnumerateArray().Skip(2).ToList())
            .Where(found => found.GetProperty("scalars").TryGetProperty("step/loss", out _))
            .Select(
                found => ((int)found.Number("step"), found.GetProperty("scalars").Number("step/loss")
            .ToString("R", CultureInfo.InvariantCulture))),
    ];
}
