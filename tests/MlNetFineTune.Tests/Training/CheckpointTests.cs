using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>An interrupted training resumes to bit-identical weights, and never from a checkpoint of another training.</summary>
[TestClass]
public sealed class CheckpointTests
{
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Augmentation = Augmentation.Light,
        Validation = ValidationData.Fraction(0.25f),
        Epochs = 6,
        BatchSize = 4,
        EarlyStoppingPatience = 5,
    };

    private static readonly Photo[] s_photos = SmallPictures.Take(8);

    private readonly MLContext _ml = new();
    private readonly string _folder = SmallPictures.NewFolder();

    public static IEnumerable<object[]> Variants =>
    [
        ["plain", s_options],
        ["accumulating, averaging", s_options
            with { BatchSize = 2, AccumulationSteps = 2, WeightAveraging = WeightAveraging.Exponential(0.9f),
                GradientClipping = GradientClipping.Norm(1), Optimizer = Optimizer.Sgd() }],
        ["soup, plateau, cached features", s_options with
        {
            Augmentation = Augmentation.None, WeightAveraging = WeightAveraging.BestCheckpoints(2),
            Schedule = LearningRateSchedule.Plateau(patience: 0), Optimizer = Optimizer.RmsProp(momentum: 0.9f),
        }],
        ["WiSE-FT", s_options with { WeightAveraging = WeightAveraging.WiseFt(3) }],
        ["smaller pictures first", s_options with
        {
            Backbone = s_options.Backbone with { Preprocessing = s_options.Backbone.Preprocessing with { Size = 48 } },
            ProgressiveResizing = new() { Size = 32, FullSizeEpochs = 2 },
        }],
    ];

    [TestMethod]
    [DynamicData(nameof(Variants))]
    public void ATrainingThatIsCancelledAnywhereGoesOnToTheSameBits(string name, ImageFineTuningOptions options)
    {
        var plan = DirectTraining.Unfreezing(options);
        var (expected, weights) = DirectTraining.Run(options, plan, s_photos);

        // One life ends in a step, the next in validation, the third between two epochs, and so on through the parts of the plan.
        TrainingActivity[] phases = [TrainingActivity.Training, TrainingActivity.Validating, TrainingActivity.EpochCompleted];
        var options2 = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(_folder, epochs: 1000) };
        var interrupted = new List<(TrainingActivity Activity, int Epoch)>();
        (TrainingReport Report, Dictionary<string, double[]> Tensors)? end = null;
        for (var life = 0; end is null; life++)
        {
            using var source = new CancellationTokenSource();
            var (lived, phase) = (0, phases[life % 3]);
            var limit = phase == TrainingActivity.Training ? 1 + life % 4 : 1;
            var watcher = new Watcher(progress =>
            {
                if (progress.Activity == phase && ++lived == limit)
                {
                    interrupted.Add((progress.Activity, progress.Epoch));
                    source.Cancel();
                }
            });
            try
            {
                end = DirectTraining.Run(options2 with { Progress = watcher, CancellationToken = source.Token }, plan, s_photos);
            }
            catch (OperationCanceledException)
            {
                Assert.HasCount(1 + Math.Min(life, 1), Directory.GetFiles(_folder, "*.safetensors"),
                    "cancelling leaves a checkpoint, and keeps the one before");
            }
            Assert.IsLessThan(100, life);
        }

        foreach (var phase in phases)
        {
            foreach (var (first, last) in new[] { (1, 2), (3, 5), (6, 6) })
                Assert.IsTrue(interrupted.Exists(
                    moment => moment.Activity == phase && moment.Epoch >= first && moment.Epoch <= last) || (phase,
                    first) == (TrainingActivity.EpochCompleted,
                    6), $"{name} was never interrupted in {phase} of epochs {first} to {last}: {string.Join(", ", interrupted)}");
        }
        DirectTraining.AssertSame(weights, end.Value.Tensors, name);
        AssertSameReport(expected, end.Value.Report);
    }

    [TestMethod]
    [DataRow("full")]
    [DataRow("adapter")]
    [DataRow("gradual")]
    [DataRow("probe then full")]
    public void AProcessThatDiesGoesOnFromTheLastCheckpoint(string what)
    {
        var basis = what switch
        {
            "adapter" => s_options with { Adapter = Adapter.Lora(2, dropout: 0.3f) },
            "gradual" => s_options with { Strategy = Strategy.Gradual() },
            "probe then full" => s_options with { Strategy = Strategy.ProbeThenFull() },
            _ => s_options,
        };
        using var whole = SmallTraining.Fit(_ml, basis, s_photos);
        var options = basis with { Checkpoint = TrainingCheckpoint.EverySteps(_folder, steps: 2) };
        foreach (var steps in (int[])[7, 2, 8, 9, 40])
        {
            var lived = 0;
            var dies = new Watcher(progress => _ = ++lived == steps ? throw new DivideByZeroException() : 0);
            if (steps < 40)
                Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = dies }, s_photos));
        }

        var log = new LogLines(_ml);
        using var model = SmallTraining.Fit(_ml, options, s_photos);

        Assert.IsTrue(log.All.Any(line => line.StartsWith("Goes on after ", StringComparison.Ordinal)), log.ToString());
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        AssertSameReport(whole.Report!, model.Report!);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void RowsThatCannotBeReadAreKnownAgain(bool cached)
    {
        Photo[] bad = [.. s_photos.Take(11), .. BadPictures.All.Select(one => new Photo { Label = "dots", ImagePath = one.Path }),
            .. s_photos.Skip(11)];
        var options = s_options with
        {
            BadRows = BadRows.Skip(0.5f),
            Checkpoint = TrainingCheckpoint.EverySteps(_folder, steps: 1),
            Strategy = cached ? Strategy.HeadOnly : Strategy.Full(1),
            Augmentation = cached ? Augmentation.None : Augmentation.Light,
        };
        using var whole = SmallTraining.Fit(_ml, options with { Checkpoint = TrainingCheckpoint.None }, bad);
        Assert.IsNotEmpty(whole.Report!.BadRows);
        foreach (var steps in (int[])[3, 2, 8])
        {
            var lived = 0;
            var dies = new Watcher(progress => _ = ++lived == steps ? throw new DivideByZeroException() : 0);
            Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = dies }, bad));
        }

        using var model = SmallTraining.Fit(_ml, options, bad);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        AssertSameReport(whole.Report, model.Report!);
    }

    [TestMethod]
    public void AFinishedTrainingLeavesOneFileFromWhichTheModelComesAtOnce()
    {
        var options = s_options with
        {
            Epochs = 3,
            Checkpoint = TrainingCheckpoint.EveryEpochs(
            _folder),
            WeightAveraging = WeightAveraging.BestCheckpoints(2)
        };
        using var first = SmallTraining.Fit(_ml, options, s_photos);
        Assert.HasCount(1, Directory.GetFiles(_folder, "*.safetensors"));
        var watcher = new Watcher();

        using var second = SmallTraining.Fit(_ml, options with { Progress = watcher, Workers = 2 }, s_photos);

        Assert.IsEmpty(watcher.Seen);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        AssertSameReport(first.Report!, second.Report!);
        Assert.AreEqual(first.Report!.End, second.Report!.End);
        Assert.IsNull(first.Report.Resumed);
        Assert.AreEqual((3, 0), second.Report.Resumed);
    }

    [TestMethod]
    public void TheReportSaysWhereATrainingWentOn()
    {
        var options = s_options with
        {
            Epochs = 3,
            RunFolder = Path.Combine(
            _folder, "run"),
            Checkpoint = TrainingCheckpoint.EverySteps(Path.Combine(_folder, "checkpoints"), steps: 1)
        };
        var batches = 0;
        var dies = new Watcher(progress =>
            _ = progress is { Activity: TrainingActivity.Training, Epoch: 2 } && ++batches == 3 ? throw new DivideByZeroException() : 0);
        Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = dies }, s_photos));

        using var model = SmallTraining.Fit(_ml, options, s_photos);

        Assert.AreEqual((1, 3), model.Report!.Resumed);
        Assert.HasCount(3, model.Report.Epochs);
        StringAssert.Contains(File.ReadAllText(Path.Combine(_folder, "run", "report.html")), "after 1 epochs and 3 batches");
    }

    [TestMethod]
    public void AStoppedTrainingGoesOnAndAnEarlyEndStaysOne()
    {
        var options = s_options with
        {
            LearningRate = 0.03f,
            EarlyStoppingPatience = 1,
            Epochs = 12,
            Optimizer = Optimizer.Sgd(),
            Checkpoint = TrainingCheckpoint.EveryEpochs(_folder),
        };
        using var whole = SmallTraining.Fit(_ml, options with { Checkpoint = TrainingCheckpoint.None }, s_photos);
        Assert.AreEqual(TrainingReport.EndReason.EarlyStopped, whole.Report!.End);
        using var source = new CancellationTokenSource();
        var stop = new Watcher(progress =>
        {
            if (progress is { Activity: TrainingActivity.Training, Epoch: 2, Rows: > 4 })
                source.Cancel();
        });

        using var stopped = SmallTraining.Fit(_ml, options with { Progress = stop, StopToken = source.Token }, s_photos);
        using var model = SmallTraining.Fit(_ml, options, s_photos);

        Assert.AreEqual(TrainingReport.EndReason.Stopped, stopped.Report!.End);
        Assert.AreEqual(TrainingReport.EndReason.EarlyStopped, model.Report!.End);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        AssertSameReport(whole.Report, model.Report);
    }

    [TestMethod]
    public void TheCheckpointOfAnotherTrainingIsRefusedAndSaysWhatDiffers()
    {
        var options = s_options with { Epochs = 2, Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        SmallTraining.Fit(_ml, options, s_photos).Dispose();
        var (weights, other) = (Path.Combine(SmallPictures.NewFolder(), "w.safetensors"), SmallTraining.LoadModel(_ml));
        using (other)
            other.SaveWeights(weights);

        Refused(options with { Epochs = 3 }, s_photos, "Epochs was 2 and is 3");
        Refused(options with { LearningRate = 0.5f }, s_photos, "LearningRate was 0.003 and is 0.5");
        Refused(options with { Seed = 2 }, s_photos, "Seed was 1 and is 2", "Weights at the beginning");
        Refused(options with { WeightAveraging = WeightAveraging.Exponential() }, s_photos,
            "WeightAveraging was NoAveraging and is ExponentialAveraging(Decay: 0.999)");
        Refused(options with { Backbone = Backbone.Micro.WithWeights(weights) }, s_photos, "Weights at the beginning was");
        Refused(
            options with
            {
                Backbone = options.Backbone with
                {
                    Preprocessing = options.Backbone.Preprocessing with { Mean = ColorTriple.ImageNetMean }
                }
            }, s_photos,
            "Network.Preprocessing.Mean.Blue was 0.5 and is 0.406", "Network.Preprocessing.Mean.Red was 0.5 and is 0.485");
        Refused(options, s_photos[..^1], "Training rows was 18");
        Refused(options, [.. s_photos[..^1], new Photo { Label = s_photos[^1].Label, ImagePath = s_photos[0].ImagePath }], "rows was");
        Refused(options, [.. s_photos[..^1], new Photo { Label = s_photos[0].Label, ImagePath = s_photos[^1].ImagePath }], "rows was");
        SmallTraining.Fit(_ml, options with { Workers = 3, TimeBudget = TimeSpan.FromDays(90) }, s_photos).Dispose();

        void Refused(ImageFineTuningOptions options, Photo[] photos, params string[] words)
        {
            var error = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, options, photos));
            foreach (var word in (string[])[.. words, _folder, "choose another folder"])
                StringAssert.Contains(error.Message, word);
        }
    }

    [TestMethod]
    public void DamageIsNoticedWhereverItIsAndTheFileBeforeServes()
    {
        var options = s_options with { Epochs = 3, Checkpoint = TrainingCheckpoint.EverySteps(_folder, 1) };
        using var whole = SmallTraining.Fit(_ml, options with { Checkpoint = TrainingCheckpoint.None }, s_photos);
        foreach (var share in (double[])[0, 0.01, 0.05, 0.6, 0.999, -1])
        {
            foreach (var old in Directory.GetFiles(_folder))
                File.Delete(old);
            var lived = 0;
            Assert.Throws<DivideByZeroException>(
                () => SmallTraining.Fit(
                    _ml,
                    options with { Progress = new Watcher(_ => lived = ++lived == 7 ? throw new DivideByZeroException() : lived) },
                    s_photos));
            var files = Directory.GetFiles(_folder, "*.safetensors").Order(StringComparer.Ordinal).ToArray();
            Assert.HasCount(2, files);
            Damage(files[1], share);
            File.WriteAllText(files[1] + ".0123.tmp", "half");
            var ml = new MLContext();
            var log = new LogLines(ml);

            using var model = SmallTraining.Fit(ml, options, s_photos);

            Assert.IsTrue(
                log.Warnings.Any(line => line.Contains("is damaged", StringComparison.Ordinal)
                    && line.Contains("The one before serves", StringComparison.Ordinal)), $"at {share}: {log}");
            Assert.IsTrue(log.All.Any(line => line.StartsWith("Goes on after ", StringComparison.Ordinal)), log.ToString());
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model), $"damaged at {share}");
            Assert.IsEmpty(Directory.GetFiles(_folder, "*.tmp"));
        }
    }

    [TestMethod]
    public void WithoutASoundCheckpointTheTrainingBeginsAnewAndSaysSo()
    {
        var options = s_options with { Epochs = 1, Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        using var first = SmallTraining.Fit(_ml, options, s_photos);
        Damage(Directory.GetFiles(_folder, "*.safetensors").Single(), 0.9);
        var log = new LogLines(_ml);

        using var second = SmallTraining.Fit(_ml, options, s_photos);

        StringAssert.Contains(log.Warnings.Single(), "There is no older one: the training begins anew.");
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
    }

    [TestMethod]
    public void AnotherNumberOfThreadsIsSaid()
    {
        using var source = new CancellationTokenSource();
        var options = s_options with { Epochs = 2, Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        Assert.Throws<OperationCanceledException>(
            () => SmallTraining.Fit(
                _ml, options with { Progress = new Watcher(_ => source.Cancel()), CancellationToken = source.Token }, s_photos));
        var log = new LogLines(_ml);
        var threads = TorchSharp.torch.get_num_threads();
        TorchSharp.torch.set_num_threads(threads + 1);
        try
        {
            SmallTraining.Fit(_ml, options, s_photos).Dispose();
        }
        finally
        {
            TorchSharp.torch.set_num_threads(threads);
        }

        StringAssert.Contains(log.Warnings.Single(), $"was written with {threads} torch threads and now there are {threads + 1}");
    }

    [TestMethod]
    public void TwoTrainingsDoNotShareAFolder()
    {
        var options = s_options with { Epochs = 1, Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        IOException? error = null;
        var watcher = new Watcher(_ => error ??= Assert.ThrowsExactly<IOException>(() => SmallTraining.Fit(_ml, options, s_photos)));

        SmallTraining.Fit(_ml, options with { Progress = watcher }, s_photos).Dispose();

        StringAssert.Contains(error!.Message, "Another training may be using it");
    }

    [TestMethod]
    public void OldFilesGoAndTimeCounts()
    {
        var counts = new List<int>();
        var watcher = new Watcher(_ => counts.Add(Directory.GetFiles(_folder, "*.safetensors").Length));
        SmallTraining.Fit(_ml, s_options with
        {
            Epochs = 2,
            Progress = watcher,
            Checkpoint = TrainingCheckpoint.EveryInterval(
            _folder, TimeSpan.FromTicks(1), keep: 3)
        }, s_photos).Dispose();

        Assert.AreEqual(3, counts.Max());
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingCheckpoint.EveryInterval(_folder, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingCheckpoint.EverySteps(_folder, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingCheckpoint.EveryEpochs(_folder, 1, keep: 0));
        Assert.Throws<ArgumentException>(() => TrainingCheckpoint.EveryEpochs(" "));
    }

    [TestMethod]
    public void AModuleWithDropoutGoesOnToo()
    {
        var options = SmallModules.Regression with { Factory = new TwoLayersFactory { Dropout = 0.5 }, Epochs = 4 };
        var rows = TableRow.Many(60);
        using var whole = _ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows));
        using var source = new CancellationTokenSource();
        var watcher = new Watcher(progress =>
        {
            if (progress is { Epoch: 3, Activity: TrainingActivity.Training })
                source.Cancel();
        });
        options = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        Assert.Throws<OperationCanceledException>(
            () => _ml.Regression.Trainers.FineTuneModule(options with { Progress = watcher, CancellationToken = source.Token })
            .Fit(SmallModules.View(_ml, rows)));

        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows));

        CollectionAssert.AreEqual(SmallModules.WeightsOf(whole), SmallModules.WeightsOf(model));
        StringAssert.Contains(Refused(options with { Factory = new TwoLayersFactory { Dropout = 0.25 } }).Message,
            "Factory.Settings.Dropout was 0.5 and is 0.25");
        rows[3].Features[2] += 0.5f;
        StringAssert.Contains(Refused(options).Message, "rows was");

        InvalidOperationException Refused(ModuleFineTuningOptions other) =>
            Assert.ThrowsExactly<InvalidOperationException>(
                () => _ml.Regression.Trainers.FineTuneModule(other).Fit(SmallModules.View(_ml, rows)));
    }

    private static void Damage(string path, double share)
    {
        using var stream = new FileStream(path, FileMode.Open);
        if (share < 0)
        {
            stream.SetLength(stream.Length * 2 / 3);
            return;
        }
        stream.Position = (long)(share * stream.Length);
        var value = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(value ^ 1));
    }

    private static void AssertSameReport(TrainingReport expected, TrainingReport actual)
    {
        CollectionAssert.AreEqual(expected.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray(),
            actual.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray());
        Assert.AreEqual((expected.BestEpoch, expected.End, expected.TrainingRows, expected.ValidationRows),
            (actual.BestEpoch, actual.End, actual.TrainingRows, actual.ValidationRows));
        CollectionAssert.AreEqual(expected.BadRows.ToArray(), actual.BadRows.ToArray());
        Assert.AreEqual(expected.Averaged is null, actual.Averaged is null);
        if (expected.Averaged is { } averaged)
            CollectionAssert.AreEqual(averaged.Epochs.ToArray(), actual.Averaged!.Epochs.ToArray());
    }
}
