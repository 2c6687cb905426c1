using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Fusion;

/// <summary>Feature cache and checkpoints, with a table beside the picture.</summary>
[TestClass]
public sealed class FusedTrainingTests
{
    private const int Stages = 4; // of the micro network
    private const int DryRuns = 1; // for the shape

    private static readonly ImageFineTuningOptions s_head = FusedRow.Options with
    {
        Strategy = Strategy.HeadOnly,
        Epochs = 4,
        BatchSize = 1,
        Validation = ValidationData.Fraction(0.25f),
        MissingPictures = MissingPictures.AllowUnreadable,
    };

    private readonly MLContext _ml = new(seed: 1);
    private readonly FusedRow[] _rows = RowsWithGaps();

    [TestMethod]
    public void FrozenStagesRunOnceAPictureHoweverManyEpochsAndRowsOfTheTable()
    {
        // 20 readable pictures, some of them in several rows; those without count as one.
        var different = _rows
            .Select(row => File.Exists(row.ImagePath) && !row.ImagePath.EndsWith("cut.jpg", StringComparison.Ordinal) ? row.ImagePath : "")
            .Distinct().Count();

        var (network, report) = Count(s_head);

        CollectionAssert.AreEqual(Enumerable.Repeat(different + (long)DryRuns, Stages).ToArray(), network.RowsThroughStage.ToArray());
        Assert.AreEqual((different, _rows.Length - different), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));
        var (uncached, _) = Count(s_head with { FeatureCache = FeatureCache.None });
        Assert.AreEqual(4L * _rows.Length, uncached.RowsThroughStage[0]);
    }

    [TestMethod]
    public void EveryCacheAndNoneTrainTheSameBits()
    {
        using var folder = new Folder();
        var views = s_head with { Augmentation = Augmentation.FixedViews(Augmentation.Light, 2) };
        foreach (var options in (ImageFineTuningOptions[])[s_head, views])
        {
            var expected = Train(options with { FeatureCache = FeatureCache.None });
            CollectionAssert.AreEqual(expected, Train(options));
            var inFolder = options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) };
            CollectionAssert.AreEqual(expected, Train(inFolder), "computed");
            CollectionAssert.AreEqual(expected, Train(inFolder), "found");
        }
    }

    [TestMethod]
    public void ATrainingWithoutATableFindsTheFeaturesOfOneWithATable()
    {
        using var folder = new Folder();
        var cache = FeatureCache.InFolder(folder.File("cache"));
        var rows = FusedRow.Many(12);
        using var fused = Fit(s_head with { FeatureCache = cache }, rows);
        using var plain = Fit(s_head with { FeatureCache = cache, TableColumns = [], MissingPictures = MissingPictures.Refuse }, rows);

        Assert.AreEqual(0, plain.Report!.FeatureCache!.RowsComputed);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ATrainingThatIsCancelledGoesOnToTheSameBits(bool full)
    {
        var basis = full ? FusedRow.Options with { MissingPictures = MissingPictures.AllowUnreadable } : s_head with { BatchSize = 4 };
        var options = basis with
        {
            Epochs = 4,
            Validation = ValidationData.Fraction(0.25f),
        };
        var expected = Train(options);
        var checkpoint = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(SmallPictures.NewFolder()) };
        using var source = new CancellationTokenSource();
        var steps = 0;
        var watcher = new Watcher(progress =>
        {
            if (progress.Activity == TrainingActivity.Training && progress.Epoch == 3 && ++steps == 2)
                source.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => Train(checkpoint with { Progress = watcher, CancellationToken = source.Token }));

        CollectionAssert.AreEqual(expected, Train(checkpoint));
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => Train(checkpoint with { TableFeatures = 9 })).Message, "TableFeatures");
    }

    [TestMethod]
    public void ActivationCheckpointingTrainsTheSameBits()
    {
        var options = FusedRow.Options with { MissingPictures = MissingPictures.AllowUnreadable };
        CollectionAssert.AreEqual(Train(options), Train(options with { ActivationCheckpointing = true }));
    }

    private static FusedRow[] RowsWithGaps()
    {
        var rows = FusedRow.Many(24);
        rows[1].ImagePath = rows[7].ImagePath = "";
        rows[2].ImagePath = BadPictures.All.Single(bad => bad.Reason == "it is cut off").Path;
        return rows;
    }

    private byte[] Train(ImageFineTuningOptions options)
    {
        using var model = Fit(options, _rows);
        return SmallTraining.WeightsOf(model);
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options, FusedRow[] rows) =>
        _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, rows));

    private (CountingNetwork Network, TrainingReport Report) Count(ImageFineTuningOptions options)
    {
        using var fit = new FitScope(_ml, "test", "test", options.Seed);
        var view = FusedRow.View(_ml, _rows);
        var task = options.TaskInForce.Bind(view.Schema, options.Columns);
        var input = options.CreateInput(fit.Host, view.Schema);
        var inner = options.CreateNetwork(input, task, fit.Seed, _ => { });
        using var network = new CountingNetwork(inner);
        using var data = TrainingData.Read(fit.Host, fit.Channel, view, options, input, task.Labels, fit.Seed);
        options.FitInput(inner, data.Training, fit.Channel);
        var rules = options.Strategy.Resolve(network.Name, network.Stages, options.Epochs);
        var run = new TrainingRun(
            network, input, task.Training(data.Training, softTargets: null), rules.Resolve(network, options.BatchNorm), data, options,
            fit.Seed, fit.Host, fit.Channel);
        using var session = new TrainingSession(run);
        return (network, session.Run());
    }
}
