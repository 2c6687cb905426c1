using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>What processes compute together beside the steps: features, a teacher's targets, calibration, the report.</summary>
[TestClass]
public sealed class SharedWorkTests : IDisposable
{
    private static readonly Photo[] s_photos = SmallPictures.Take(10);

    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Strategy = Strategy.HeadOnly,
        Validation = ValidationData.Fraction(0.4f),
        Optimizer = Optimizer.Sgd(),
        LearningRate = 1e-2f,
        Epochs = 3,
        BatchSize = 7,
    };

    private readonly Folder _folder = new();
    private readonly int _threads = get_num_threads();

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void OneOfTheProcessesThatShareAFolderWritesTheFeatures()
    {
        var cache = _folder.File("cache");
        var options = s_options with { FeatureCache = FeatureCache.InFolder(cache) };
        var one = SeveralProcesses.Train(s_options, Fit);

        var first = SeveralProcesses.Train(3, options, Fit);
        var (training, validation) = (FilesIn(cache).Length, one.Report.FeatureCache!);
        var second = SeveralProcesses.Train(2, options, Fit);

        Assert.IsNull(SeveralProcesses.Difference(one, first[2]));
        Assert.AreEqual(2, training, "one for training rows and one for validation rows");
        Assert.AreEqual(validation.RowsComputed, first[1].Report.FeatureCache!.RowsComputed);
        Assert.AreEqual((0, validation.RowsComputed),
            (second[1].Report.FeatureCache!.RowsComputed, second[1].Report.FeatureCache!.RowsFound));
        Assert.HasCount(2, FilesIn(cache));
        Assert.IsEmpty(Directory.GetFiles(cache, "*.tmp", SearchOption.AllDirectories));
    }

    /// <summary>Features of the training rows cannot be written; those of the validation rows can, and are waited for alone.</summary>
    [TestMethod]
    public void AfterAFailureOthersDoNotWaitForWhatWasNotWritten()
    {
        var cache = _folder.File("cache");
        var hasFailed = false;
        var options = s_options with
        {
            FeatureCache = FeatureCache.InFolder(cache),
            Progress = new Watcher(_ =>
            {
                if (hasFailed)
                    return;
                hasFailed = true;
                var folder = Directory.GetDirectories(cache).Single();
                Directory.Delete(folder, recursive: true); // so that the finished file cannot get its name
                Directory.CreateDirectory(folder);
            }),
        };

        var several = SeveralProcesses.Train(2, options, Fit);

        Assert.AreEqual(several[0].Report.ValidationRows, several[0].Report.FeatureCache?.RowsComputed);
        Assert.IsNull(SeveralProcesses.Difference(several[0], several[1], tolerance: 0));
        Assert.HasCount(1, FilesIn(cache));
    }

    [TestMethod]
    public void ProcessesWithFoldersOfTheirOwnHaveAllFeaturesInEach()
    {
        ProcessResult[] Train() => ThreadGroup.Run(2, group => SeveralProcesses.Train(
            s_options with { Processes = group, FeatureCache = FeatureCache.InFolder(_folder.File($"cache{group.Rank}")) }, Fit));

        var first = Train();
        Directory.Delete(_folder.File("cache1"), recursive: true);
        var second = Train();

        Assert.IsNull(SeveralProcesses.Difference(SeveralProcesses.Train(s_options, Fit), first[1]));
        Assert.AreEqual(first[0].Report.FeatureCache!.RowsComputed, second[0].Report.FeatureCache!.RowsComputed, "one lacks them");
        Assert.HasCount(2, FilesIn(_folder.File("cache0")), "which has them already");
        Assert.HasCount(2, FilesIn(_folder.File("cache1")));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ATeacherTeachesEachItsSlice(bool augments)
    {
        var options = s_options with
        {
            Strategy = Strategy.Full(1),
            Augmentation = augments ? Augmentation.MixUp() : Augmentation.None,
        };
        SeveralProcesses.AssertAreOne(2, options, (ml, its) =>
        {
            using var teacher = SmallTraining.LoadModel(ml);
            return SmallTraining.Fit(ml, its with { Distillation = Distillation.From(teacher) }, s_photos);
        });
    }

    [TestMethod]
    public void CalibrationConformalPredictionAndTheReportAreThoseOfOne()
    {
        var options = s_options with
        {
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
            Conformal = new ConformalPrediction
            {
                Coverage = 0.7f,
                CalibrationFraction = 0.5f,
                ClassConditional = false,
                Novelty = ConformalPrediction.NoveltyScore.NearestNeighbors(falseAlarmRate: 0.3f),
            },
            RunFolder = _folder.File("run"),
        };
        var fitted = new System.Collections.Concurrent.ConcurrentBag<string>();
        FineTuningTransformer FitAndScore(MLContext ml, ImageFineTuningOptions its)
        {
            var model = Fit(ml, its);
            var scored = model.Transform(SmallPictures.View(ml, s_photos));
            fitted.Add(string.Join(" ", SmallTraining.Scores(scored).SelectMany(row => row).Select(score => $"{score:0.0000}"))
                + string.Join(" ", Microsoft.ML.Data.ColumnCursorExtensions.GetColumn<bool>(scored, "Rejected")));
            return model;
        }

        var one = SeveralProcesses.Train(options, FitAndScore);
        File.Delete(Path.Combine(options.RunFolder!, "report.html"));
        var several = SeveralProcesses.Train(3, options, FitAndScore);

        Assert.HasCount(1, fitted.Distinct(), "scores are calibrated alike, and the same rows rejected");
        Assert.AreEqual(one.Report.Calibration!.Temperature, several[2].Report.Calibration!.Temperature, 1e-4);
        Assert.IsNull(SeveralProcesses.Difference(one, several[1]));
        StringAssert.Contains(File.ReadAllText(Path.Combine(options.RunFolder!, "report.html")), "Conformal");
    }

    private string[] FilesIn(string folder) => Directory.GetFiles(folder, "*.features", SearchOption.AllDirectories);

    private static FineTuningTransformer Fit(MLContext ml, ImageFineTuningOptions options) => SmallTraining.Fit(ml, options, s_photos);
}
