using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>Processes end, stop, fail and resume together.</summary>
[TestClass]
public sealed class EndsTogetherTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(53);

    private static readonly ModuleFineTuningOptions s_options = SmallModules.Multiclass with
    {
        Epochs = 6,
        BatchSize = 5,
        AccumulationSteps = 3,
        Optimizer = Optimizer.Sgd(),
        Validation = ValidationData.Fraction(0.2f),
        WeightAveraging = WeightAveraging.Exponential(0.9f),
    };

    private readonly string _folder = SmallPictures.NewFolder();
    private readonly int _threads = get_num_threads();

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    private static FineTuningTransformer Fit(MLContext ml, ModuleFineTuningOptions options) =>
        ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(ml, s_rows));

    // A token that another process cancels after some batches: only process 0 has progress.
    private static ModuleFineTuningOptions CancelAfter(
        ModuleFineTuningOptions options, int batches, CancellationTokenSource source, TrainingActivity activity = TrainingActivity.Training)
    {
        var seen = 0;
        return options with
        {
            Progress = new Watcher(progress =>
            {
                if (progress.Activity == activity && ++seen == batches)
                    source.Cancel();
            }),
        };
    }

    [TestMethod]
    [DataRow(TrainingActivity.Training, 0)]
    [DataRow(TrainingActivity.Training, 1)]
    [DataRow(TrainingActivity.Validating, 1)]
    public void ACancellationOfOneProcessCancelsAll(TrainingActivity activity, int cancelled)
    {
        using var source = new CancellationTokenSource();
        ThreadGroup.Run(2, group =>
        {
            var options = CancelAfter(s_options, batches: 3, source, activity) with { Processes = group };
            if (group.Rank == cancelled)
                options = options with { CancellationToken = source.Token };
            var guarded = new FailingGroup(group, int.MaxValue);
            Assert.Throws<OperationCanceledException>(() => Fit(new MLContext(), options with { Processes = guarded }));
            Assert.IsNull(guarded.Aborted, "all know");
            return 0;
        });
    }

    [TestMethod]
    public void AStopOfOneProcessStopsAllAtTheSameStep()
    {
        using var source = new CancellationTokenSource();
        var several = ThreadGroup.Run(3, group => SeveralProcesses.Train(
            CancelAfter(s_options, batches: 14, source) with
            {
                Processes = group,
                StopToken = group.Rank == 2 ? source.Token : default,
                WeightAveraging = WeightAveraging.None,
                Validation = ValidationData.None,
            }, Fit));

        Assert.AreEqual(TrainingReport.EndReason.Stopped, several[0].Report.End);
        Assert.HasCount(1, several[0].Report.Epochs);
        foreach (var other in several)
            Assert.IsNull(SeveralProcesses.Difference(several[0], other, tolerance: 0));
    }

    [TestMethod]
    public void TheTimeBudgetIsThatOfTheFirstProcess()
    {
        var time = new ManualTime();
        var several = ThreadGroup.Run(2, group => SeveralProcesses.Train(
            s_options with
            {
                Processes = group,
                TimeBudget = group.IsFirst ? TimeSpan.FromMinutes(1) : TimeSpan.FromTicks(1),
                Time = time,
                Progress = new Watcher(progress =>
                {
                    if (progress is { Activity: TrainingActivity.EpochCompleted, Epoch: 2 })
                        time.Advance(TimeSpan.FromMinutes(2));
                }),
            }, Fit));

        Assert.AreEqual(TrainingReport.EndReason.TimeBudgetSpent, several[0].Report.End);
        Assert.HasCount(2, several[0].Report.Epochs);
        Assert.IsNull(SeveralProcesses.Difference(several[0], several[1], tolerance: 0));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(0)] // a loss that is not a number counts even where its row does not
    public void ADivergenceOfOneSliceIsThatOfAll(float weight)
    {
        AnyFactory.Make = context => new Lambda(6, context.Outputs, (layer, input) => layer.call(input));
        var rows = TableRow.Many(53);
        foreach (var row in rows)
            row.Size = 1;
        var options = s_options with
        {
            Factory = new AnyFactory(),
            Task = LearningTask.Regression(),
            LabelColumnName = "Number",
            ExampleWeightColumnName = "Size",
            OnDivergence = Divergence.Throw(),
            Epochs = 1,
            BatchSize = 2,
            AccumulationSteps = 1,
            WeightAveraging = WeightAveraging.None,
            Validation = ValidationData.None,
        };
        Fit(ProcessGroup.Single).Dispose(); // nothing diverges without the row
        (rows[7].Features[0], rows[7].Size) = (1e38f, weight); // in the slice of one process, where it is alone

        var expected = Assert.Throws<InvalidOperationException>(() => Fit(ProcessGroup.Single)).Message;
        var messages = ThreadGroup.Run(2, group =>
        {
            var guarded = new FailingGroup(group, int.MaxValue);
            var error = Assert.Throws<InvalidOperationException>(() => Fit(guarded));
            Assert.IsNull(guarded.Aborted, "all know");
            return error.Message;
        });

        StringAssert.Contains(expected, "diverged in step");
        foreach (var message in messages)
            Assert.AreEqual(expected, message);

        FineTuningTransformer Fit(ProcessGroup group) => new MLContext().Regression.Trainers
            .FineTuneModule(options with { Processes = group }).Fit(SmallModules.View(new MLContext(), rows));
    }

    /// <summary>Cancelled in the middle of an accumulated step, with one number of processes after another.</summary>
    [TestMethod]
    public void ATrainingGoesOnWithAnotherNumberOfProcesses()
    {
        var whole = SeveralProcesses.Train(s_options, Fit);
        var options = s_options with { Checkpoint = TrainingCheckpoint.EveryEpochs(_folder) };
        foreach (var size in (int[])[2, 3, 1, 2])
        {
            using var source = new CancellationTokenSource();
            ThreadGroup.Run(size, group =>
            {
                // Other processes need no folder.
                var own = CancelAfter(options, batches: 10, source) with
                {
                    Processes = size == 1 ? ProcessGroup.Single : group,
                    Checkpoint = group.IsFirst ? options.Checkpoint : TrainingCheckpoint.EveryEpochs("/does/not/exist"),
                    CancellationToken = source.Token,
                };
                Assert.Throws<OperationCanceledException>(() => Fit(new MLContext(), own));
                return 0;
            });
            using var checkpoint = CheckpointFile.Open(Directory.GetFiles(_folder, "*.safetensors").Order().Last());
            Assert.IsTrue(checkpoint.Has("gradient/first.weight"), $"cancelled within a step of {size}");
        }

        var end = SeveralProcesses.Train(3, options, Fit);

        Assert.IsGreaterThan(0, end[0].Report.Resumed!.Value.Batches);
        Assert.IsNull(SeveralProcesses.Difference(whole, end[2]));
        Assert.IsNull(SeveralProcesses.Difference(end[0], end[2], tolerance: 0));
        // A finished training gives its model to any number.
        var again = SeveralProcesses.Train(2, options, Fit);
        Assert.IsNull(SeveralProcesses.Difference(end[0], again[1], tolerance: 0));
    }

    [TestMethod]
    public void AProcessThatFailsLeavesTheStepBeforeInACheckpoint()
    {
        var options = s_options with
        {
            BatchSize = 9,
            AccumulationSteps = 1,
            Checkpoint = TrainingCheckpoint.EveryInterval(_folder, TimeSpan.FromDays(1)),
        };
        var whole = SeveralProcesses.Train(options with { Checkpoint = TrainingCheckpoint.None }, Fit);
        ThreadGroup.Run(2, group =>
        {
            if (group.IsFirst)
            {
                var message = Assert.Throws<ProcessGroupException>(() => Fit(new MLContext(), options with { Processes = group })).Message;
                StringAssert.Contains(message, "epoch 2, step 8");
                return 0;
            }
            var failing = new FailingGroup(group, sums: 7);
            var failure = Assert.Throws<DivideByZeroException>(() => Fit(new MLContext(), options with { Processes = failing }));
            Assert.AreSame(failure, failing.Aborted);
            return 0;
        });

        var end = SeveralProcesses.Train(options, Fit);
        Assert.AreEqual((1, 2), end.Report.Resumed);
        Assert.IsNull(SeveralProcesses.Difference(whole, end));
    }

    /// <summary>Running statistics, which the step that failed had changed already, are those before it.</summary>
    [TestMethod]
    public void TheCheckpointOfAStepBeforeHasItsStatistics()
    {
        var photos = SmallPictures.Take(6);
        var options = SmallTraining.Options with
        {
            Augmentation = Augmentation.MixUp(),
            Optimizer = Optimizer.Sgd(),
            BatchSize = 6,
            Checkpoint = TrainingCheckpoint.EveryInterval(_folder, TimeSpan.FromDays(1)),
        };
        ThreadGroup.Run(2, group => group.IsFirst
            ? (Exception)Assert.Throws<ProcessGroupException>(
                () => SmallTraining.Fit(new MLContext(), options with { Processes = group }, photos))
            : Assert.Throws<DivideByZeroException>(
                () => SmallTraining.Fit(new MLContext(), options with { Processes = new FailingGroup(group, sums: 4) }, photos)));

        using var stop = new CancellationTokenSource();
        var seen = 0;
        var other = SmallPictures.NewFolder();
        Assert.Throws<OperationCanceledException>(() => SmallTraining.Fit(new MLContext(), options with
        {
            Checkpoint = TrainingCheckpoint.EveryEpochs(other, epochs: 100),
            CancellationToken = stop.Token,
            Progress = new Watcher(progress =>
            {
                if (progress.Activity == TrainingActivity.Training && ++seen == 4)
                    stop.Cancel();
            }),
        }, photos));
        Fixture.AreClose(StatisticsIn(other), StatisticsIn(_folder), 1e-4, "running variance");

        static double[] StatisticsIn(string folder)
        {
            using var checkpoint = CheckpointFile.Open(Directory.GetFiles(folder, "*.safetensors").Single());
            Assert.AreEqual(4, checkpoint.State.Run.Batches);
            using var statistics = zeros(checkpoint.ShapeOf("model/bn1.running_var")!, ScalarType.Float32);
            checkpoint.ReadInto([("model/bn1.running_var", statistics)]);
            return statistics.Values();
        }
    }

    [TestMethod]
    public void AnExceptionOfOneProcessEndsTheOthers()
    {
        ThreadGroup.Run(2, group =>
        {
            var options = s_options with { Processes = group, Progress = new Watcher(_ => throw new DivideByZeroException()) };
            if (group.IsFirst)
                Assert.Throws<DivideByZeroException>(() => Fit(new MLContext(), options));
            else
                StringAssert.Contains(Assert.Throws<ProcessGroupException>(() => Fit(new MLContext(), options)).Message, "epoch 1");
            return 0;
        });
    }

    [TestMethod]
    public void AProcessThatFailsBeforeTheTrainingSaysWhy()
    {
        ThreadGroup.Run(3, group =>
        {
            var ml = new MLContext();
            var options = s_options with { Processes = group };
            var data = SmallModules.View(ml, group.Rank == 2 ? s_rows.Take(0) : s_rows);
            Action fit = () => ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(data);
            if (group.Rank == 2)
                Assert.Throws<Exception>(fit);
            else
                StringAssert.Contains(Assert.Throws<ProcessGroupException>(fit).Message, "Process 2 of 3 failed before the training: ");
            return 0;
        });
    }

    [TestMethod]
    public void AChainThatDoesNotFitTheOptionsOfOneProcessIsToldToo()
    {
        ThreadGroup.Run(2, group =>
        {
            var ml = new MLContext();
            var options = SmallTraining.Options with
            {
                Processes = group,
                ImageColumnName = "Image",
                Augmentation = group.IsFirst ? Augmentation.Light : Augmentation.Standard,
            };
            var photos = SmallPictures.View(ml, SmallPictures.Take(4));
            Action fit = () => ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.Light)
                .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(SmallTraining.WithKeys(ml, photos));
            if (group.Rank == 1)
                StringAssert.Contains(Assert.Throws<InvalidOperationException>(fit).Message, "leave one of the two out");
            else
                StringAssert.Contains(Assert.Throws<ProcessGroupException>(fit).Message, "Process 1 of 2 failed before the training: ");
            return 0;
        });
    }

    [TestMethod]
    public void AProcessThatFailsWhereNoneIsLeftThrowsItsOwnException()
    {
        ThreadGroup.Run(2, group =>
        {
            if (group.Rank == 1)
                return 0;
            var ml = new MLContext();
            var error = Assert.Throws<Exception>(() => ml.MulticlassClassification.Trainers
                .FineTuneModule(s_options with { Processes = group }).Fit(SmallModules.View(ml, s_rows.Take(0))));
            Assert.IsNotInstanceOfType<ProcessGroupException>(error);
            return 0;
        });
    }

    [TestMethod]
    public void ProcessesThatTrainSomethingElseAreTold()
    {
        ThreadGroup.Run(3, group =>
        {
            var ml = new MLContext();
            var options = s_options with { Processes = group, LearningRate = group.Rank == 1 ? 0.1f : 0.2f };
            var data = SmallModules.View(ml, group.Rank == 2 ? [.. s_rows.Reverse()] : s_rows);
            var message = Assert.Throws<ProcessGroupException>(
                () => ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(data)).Message;
            StringAssert.Contains(message, "process 1 differs from process 0: LearningRate was 0.2 and is 0.1");
            StringAssert.Contains(message, "process 2 differs from process 0: Training rows was ");
            return 0;
        });
    }

    [TestMethod]
    public void WeightsThatPartAreFoundAfterTheEpoch()
    {
        ThreadGroup.Run(2, group =>
        {
            var options = SmallTraining.Options with { Processes = group, Augmentation = Augmentation.None };
            var message = Assert.Throws<ProcessGroupException>(() => DirectTraining.Run(
                options, DirectTraining.Full(options), SmallPictures.Take(4), network => new Watcher(progress =>
                {
                    using var scope = NewDisposeScope();
                    using var noGradients = no_grad();
                    network.NamedTensors()[0].Tensor.mul_(1.001f); // in process 0, which has the progress
                }))).Message;
            StringAssert.Contains(message, "After epoch 1 the weights of process 1 are not those of process 0");
            return 0;
        });
    }

    [TestMethod]
    public void FindersMeasureOneProcess()
    {
        ThreadGroup.Run(2, group =>
        {
            var ml = new MLContext();
            var message = Assert.Throws<ArgumentException>(() => ml.FineTuning.FindLearningRate(
                SmallModules.View(ml, s_rows), s_options with { Processes = group })).Message;
            StringAssert.Contains(message, "Processes = ProcessGroup.Single");
            return 0;
        });
    }
}
