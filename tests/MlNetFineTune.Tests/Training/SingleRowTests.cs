using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// BatchNorm cannot train on one value a channel. PyTorch: "Expected more than 1 value per channel when training"; libtorch below it makes
/// NaN of the running variance.
/// </summary>
[TestClass]
public sealed class SingleRowTests
{
    private readonly MLContext _ml = new(seed: 1);

    // At 32 pixels its last block has maps of 1 x 1, at 64 of 2 x 2.
    private static ImageFineTuningOptions Narrow(int size = 32) =>
        SmallTraining.Options with { Backbone = FrozenNetworksTests.Pretrained("densenet", size).Backbone };

    [TestMethod]
    public void BatchesOfOneAreRefusedBeforeTheFirstStepWithTheLayerAndWhatToDo()
    {
        var watcher = new Steps();
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, Narrow() with
        {
            BatchSize = 1,
            Observer = watcher
        }, SmallPictures.Take(2)));

        foreach (var part in (string[])["BatchNorm 'features.denseblock4.denselayer1.norm1' of densenet", "one value a channel",
            "BatchSize 1, 6 training rows", "BatchNormMode.Frozen"])
            StringAssert.Contains(error.Message, part);
        Assert.IsEmpty(watcher.Rows);
    }

    [TestMethod]
    public void BatchesOfOneTrainWhereThereIsMoreThanOneValueOrNoNormTrains()
    {
        foreach (var options in (ImageFineTuningOptions[])
            [
                Narrow(size: 64),
                Narrow() with { BatchNorm = BatchNormMode.Frozen },
                Narrow() with { Strategy = Strategy.HeadOnly },
                Narrow(size: 64) with { ActivationCheckpointing = true },
            ])
        {
            var watcher = new Steps();
            using var model = SmallTraining.Fit(_ml, options with { BatchSize = 1, Epochs = 1, Observer = watcher }, SmallPictures.Take(1));
            CollectionAssert.AreEqual(new[] { 1, 1, 1 }, watcher.Rows);
            AssertFinite(model);
        }
    }

    [TestMethod]
    public void ARowThatIsLeftOverIsLeftOutOfItsEpochAndLeavesNoTrace()
    {
        // Batches of 1, 2 and 2 rows.
        var photos = SmallPictures.Take(2)[..5];
        var (log, watcher) = (new LogLines(_ml), new Steps());
        using var model = SmallTraining.Fit(_ml, Narrow() with { BatchSize = 2, Epochs = 3, Observer = watcher }, photos);

        CollectionAssert.AreEqual(new[] { 2, 2, 2, 2, 2, 2 }, watcher.Rows);
        AssertFinite(model);
        Assert.AreEqual(1, log.Warnings.Count(line => line.Contains("left out of its epoch") && line.Contains("denselayer1.norm1")),
            log.ToString());
        Assert.AreEqual(5, model.Report!.TrainingRows);

        // The statistics of a training of four rows in the same batches: those of the row that was tried are not among them.
        var accumulated = new Steps();
        using var two = SmallTraining.Fit(_ml, Narrow() with { BatchSize = 2, AccumulationSteps = 2, Epochs = 1, Observer = accumulated },
            photos);
        Assert.AreEqual(4, accumulated.Rows.Sum());
        AssertFinite(two);
    }

    [TestMethod]
    public void TryingARowChangesNothingOfATrainingInWhichItCanTrain()
    {
        // At 64 pixels the first batch of one is tried and then trained. Twice the same picture, and weights that stay: each step moves the
        // mean by a tenth towards the same number, m' = 0.9 m + 0.1 x.
        var photo = SmallPictures.Take(1)[0];
        Photo[] photos = [photo, new() { Label = "rings", ImagePath = photo.ImagePath }];
        var options = Narrow(size: 64) with { BatchSize = 1, LearningRate = 1e-30f };
        var (one, two) = (Means(epochs: 1), Means(epochs: 2));
        var before = Formula.Values("features.norm0.running_mean", [one.Length]);
        for (var c = 0; c < one.Length; c++)
        {
            var x = (one[c] - 0.81 * before[c]) / 0.19;
            Assert.AreEqual(0.81 * one[c] + 0.19 * x, two[c], 1e-5, $"channel {c}: the trial moved it");
        }
        Assert.AreNotEqual(before[0], one[0], 1e-3);

        double[] Means(int epochs)
        {
            using var model = SmallTraining.Fit(_ml, options with { Epochs = epochs }, photos);
            double[] means = [];
            model.Scorer.Read(network => means = network.NamedTensors().Single(named => named.Name == "features.norm0.running_mean")
                .Tensor.Values());
            return means;
        }
    }

    [TestMethod]
    public void ABatchThatShrinksToOneRowIsLeftOut()
    {
        var photos = SmallPictures.Take(2)[..4];
        photos[1] = new Photo { Label = photos[1].Label, ImagePath = BadPictures.All[0].Path };
        var watcher = new Steps();
        using var model = SmallTraining.Fit(_ml, Narrow() with
        {
            BatchSize = 2,
            Epochs = 3,
            BadRows = BadRows.Skip(0.5f),
            Observer = watcher
        }, photos);

        CollectionAssert.AreEqual(new[] { 2, 2, 2 }, watcher.Rows, "2 and 1 of 2; then batches of 1 and 2");
        AssertFinite(model);
        Assert.HasCount(1, model.Report!.BadRows);

        photos = photos[..2];
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, Narrow() with
        {
            BatchSize = 2,
            BadRows = BadRows.Skip(0.5f)
        }, photos)).Message, "one value a channel");
    }

    [TestMethod]
    public void ATrainingThatLeavesRowsOutGoesOnToTheSameBits()
    {
        using var folder = new Folder();
        var photos = SmallPictures.Take(2)[..5];
        var options = Narrow() with { BatchSize = 2, Epochs = 3 };
        using var whole = SmallTraining.Fit(_ml, options, photos);
        var interrupted = options with { Checkpoint = TrainingCheckpoint.EverySteps(folder.File("run"), 1) };
        using var stop = new CancellationTokenSource();
        using (SmallTraining.Fit(_ml, interrupted with { StopToken = stop.Token, Observer = new Steps(stopAfter: 3, stop) }, photos))
        {
        }
        using var resumed = SmallTraining.Fit(_ml, interrupted, photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
    }

    [TestMethod]
    public void ModulesWithNormsOfTorchSharpAreRefusedByName()
    {
        var before = Tensor.TotalCount;
        new Normed(6, 3).Dispose();
        var miscount = Tensor.TotalCount - before; // TorchSharp counts each parameter of its own layers once too often, for ever
        AnyFactory.Make = context => new Normed(context.Inputs[0].Size, context.Outputs);
        var options = SmallModules.Multiclass with { Factory = new AnyFactory(), Epochs = 2, Validation = ValidationData.None };

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options with { BatchSize = 1 }, 6));
        StringAssert.Contains(error.Message, "BatchNorm 'norm' of module 'any' sees one value a channel");
        using var model = Fit(options with { BatchSize = 32 }, 33); // 16 and 17
        using var odd = Fit(options with { BatchSize = 2 }, 33); // 16 batches of two, and one row

        foreach (var each in (FineTuningTransformer[])[model, odd])
            each.Scorer.Read(network => Assert.IsTrue(network.NamedTensors().All(named => named.Tensor.Values().All(double.IsFinite))));

        AnyFactory.Make = context => new Normed(context.Inputs[0].Size, context.Outputs);
        var one = SmallModules.Regression with { Factory = new AnyFactory(), Validation = ValidationData.None };
        error = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Regression.Trainers.FineTuneModule(one)
            .Fit(SmallModules.View(_ml, TableRow.Many(1))));
        StringAssert.Contains(error.Message, "BatchSize 16, 1 training rows");
        MiscountedTensors.Expect(5 * miscount);

        FineTuningTransformer Fit(ModuleFineTuningOptions options, int rows) =>
            _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, TableRow.Many(rows)));
    }

    private static void AssertFinite(FineTuningTransformer model)
    {
        model.Scorer.Read(network =>
        {
            foreach (var (name, tensor) in network.NamedTensors())
                Assert.IsTrue(tensor.Values().All(double.IsFinite), name);
        });
    }

    private sealed class Steps(int stopAfter = int.MaxValue, CancellationTokenSource? stop = null) : ITrainingObserver
    {
        public List<int> Rows { get; } = [];

        public void AfterStep(int step, int rows, double loss, double learningRate)
        {
            Rows.Add(rows);
            if (Rows.Count == stopAfter)
                stop!.Cancel();
        }

        public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step)
        {
        }
    }

    private sealed class Normed : nn.Module<Tensor, Tensor>
    {
        private readonly Dense first;
        private readonly TorchSharp.Modules.BatchNorm1d norm;
        private readonly Dense last;

        public Normed(long inputs, long outputs)
            : base(nameof(Normed))
        {
            (first, norm, last) = (new Dense(inputs, 4), nn.BatchNorm1d(4), new Dense(4, outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => last.call(norm.call(first.call(input)).tanh());

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
                norm.Dispose();
                last.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
