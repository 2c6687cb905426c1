using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Modules whose stages run one by one: what is frozen is computed once a row, and activations can be computed again,
/// to the same bits.</summary>
[TestClass]
public sealed class ModuleStepsTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(24);

    private static long s_rowsSeen;

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Kinds => [["sequential"], ["staged"]];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void FrozenStagesRunOnceARowAndBatchesOfOneTrainTheSameBits(string kind)
    {
        AnyFactory.Make = context => Make(kind, context);
        using var folder = new Folder();
        foreach (var strategy in (Strategy[])[Strategy.HeadOnly, Strategy.LastStages(1)])
        {
            var options = Options with { Strategy = strategy, BatchSize = 1 };
            var (expected, rows, report) = Train(options with { FeatureCache = FeatureCache.None });
            Assert.AreEqual(3 * 24, rows, "in every epoch");
            Assert.IsNull(report.FeatureCache);

            (var kept, rows, report) = Train(options);
            CollectionAssert.AreEqual(expected, kept);
            Assert.AreEqual(24 + 1, rows, "once, and a row of zeros for the shape");
            Assert.AreEqual((24, 0), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));

            var inFolder = options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) };
            CollectionAssert.AreEqual(expected, Train(inFolder).Weights, "computed");
            (kept, rows, report) = Train(inFolder);
            CollectionAssert.AreEqual(expected, kept, "found");
            Assert.AreEqual((0, 24), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));
            Assert.IsLessThanOrEqualTo(1, rows);
        }
    }

    [TestMethod]
    public void WhatRunsAsAWholeTrainsTheSameBitsWithoutACache()
    {
        AnyFactory.Make = context => Make("sequential", context);
        var options = Options with { Strategy = Strategy.LastStages(1), BatchSize = 1 };
        var (expected, _, _) = Train(options);

        AnyFactory.Make = context => Make("whole", context);
        var (actual, rows, report) = Train(options);

        CollectionAssert.AreEqual(expected, actual);
        Assert.AreEqual(3 * 24 + 1, rows, "and one to see whether a row alone can train");
        Assert.IsNull(report.FeatureCache);
    }

    [TestMethod]
    public void LargerBatchesTrainTheSameWeightsToRoundingAndValidationIsKept()
    {
        AnyFactory.Make = context => Make("sequential", context);
        var options = Options with { Strategy = Strategy.HeadOnly, BatchSize = 8, Validation = ValidationData.Fraction(0.25f) };
        using var cached = Fit(options);
        using var computed = Fit(options with { FeatureCache = FeatureCache.None });

        var (expected, actual) = (HeadOf(computed), HeadOf(cached));
        Fixture.AreClose(expected, actual, 1e-5, "weight of the head");
        Assert.AreEqual(24, cached.Report!.FeatureCache!.RowsComputed);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void ActivationsThatAreComputedAgainGiveTheSameBits(string kind)
    {
        AnyFactory.Make = context => Make(kind, context, dropout: 0.4);
        foreach (var strategy in (Strategy[])[Strategy.Full(1), Strategy.LastStages(1), Strategy.Gradual(), Strategy.HeadOnly])
        {
            var options = Options with { Strategy = strategy, BatchSize = 7, GradientClipping = GradientClipping.Norm(1) };
            var (expected, _, plain) = Train(options);
            var (actual, _, again) = Train(options with { ActivationCheckpointing = true });

            CollectionAssert.AreEqual(expected, actual, strategy.ToString());
            CollectionAssert.AreEqual(plain.Epochs.Select(epoch => epoch.Loss).ToArray(),
                again.Epochs.Select(epoch => epoch.Loss).ToArray());
        }
    }

    [TestMethod]
    public void NormsAndAdaptersThatDropGiveTheSameBitsAsWell()
    {
        TorchLayers.Count(TorchLayers.Convolutions, count =>
        {
            AnyFactory.Make = TorchLayers.Convolutions;
            var plain = Options with { Inputs = [ModuleInput.Column("Features", 1, 2, 3)], BatchSize = 7 };
            foreach (var options in (ModuleFineTuningOptions[])[
                plain, plain with { Adapter = Adapter.Lora(2, dropout: 0.4f) },
                plain with { Strategy = Strategy.LastStages(1), Adapter = Adapter.Lora(2) }])
            {
                CollectionAssert.AreEqual(Train(options).Weights, Train(options with { ActivationCheckpointing = true }).Weights);
                count(2);
            }
        });
    }

    [TestMethod]
    public void WhatIsInterruptedGoesOnToTheSameBitsWithAdaptersAndKeptStages()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var options = Options with { Strategy = Strategy.LastStages(1), Adapter = Adapter.Lora(2, dropout: 0.3f), BatchSize = 5 };
            var expected = Train(options).Weights;
            using var folder = new Folder();
            var checkpointed = options with { Checkpoint = TrainingCheckpoint.EverySteps(folder.File("run"), 1) };
            var lived = 0;
            var dies = new Watcher(
                progress => _ = progress.Activity == TrainingActivity.Training && ++lived == 8 ? throw new DivideByZeroException() : 0);
            Assert.Throws<DivideByZeroException>(() => Fit(checkpointed with { Progress = dies }));

            CollectionAssert.AreEqual(expected, Train(checkpointed).Weights);
            count(3);
        });
    }

    [TestMethod]
    public void ADropoutDropsWithTheStageAboveIt()
    {
        // Below the head, which trains: the dropout does too, though what it drops is frozen.
        AnyFactory.Make = context => Make("sequential", context, dropout: 0.5);
        var options = Options with { Strategy = Strategy.HeadOnly, BatchSize = 1 };
        var dropped = Train(options).Weights;

        CollectionAssert.AreEqual(dropped, Train(options with { FeatureCache = FeatureCache.None }).Weights);
        AnyFactory.Make = context => Make("sequential", context);
        CollectionAssert.AreNotEqual(dropped, Train(options).Weights);
    }

    [TestMethod]
    public void WhatRunsAsAWholeIsToldSo()
    {
        AnyFactory.Make = context => Make("whole", context);
        var error = Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { ActivationCheckpointing = true })).Message;
        StringAssert.Contains(error, "the module 'any' runs as a whole");
        StringAssert.Contains(error, "IStagedModule.ComputationOf");

        AnyFactory.Make = context => new Staged(context, 0, computes: 2);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Fit(Options)).Message,
            "ComputationOf computes some stages and gives null for head");
        AnyFactory.Make = context => new Staged(context, 0, gives: x => x.to_type(ScalarType.Float64));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Fit(Options with { Strategy = Strategy.HeadOnly })).Message,
            "The first 2 stages of module 'any' gave Float64");
    }

    private static ModuleFineTuningOptions Options =>
        SmallModules.Multiclass with { Factory = new AnyFactory(), Epochs = 3, Validation = ValidationData.None };

    private static nn.Module Make(string kind, ModuleContext context, double dropout = 0) => kind switch
    {
        "sequential" => nn.Sequential(
            ("one", new Counting(context.Inputs[0].Size, 10)), ("relu", nn.ReLU(inplace: true)), ("two", new Dense(10, 8)),
            ("drop", nn.Dropout(dropout)),
            ("head", new Dense(8, context.Outputs))),
        "staged" => new Staged(context, dropout),
        _ => new Staged(context, dropout, computes: 0),
    };

    private (byte[] Weights, long Rows, TrainingReport Report) Train(ModuleFineTuningOptions options)
    {
        s_rowsSeen = 0;
        using var model = Fit(options);
        var rows = s_rowsSeen - 1; // the probe
        return (SmallModules.WeightsOf(model), rows, model.Report!);
    }

    private FineTuningTransformer Fit(ModuleFineTuningOptions options) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, s_rows));

    private static double[] HeadOf(FineTuningTransformer model)
    {
        double[] weights = [];
        model.Scorer.Read(network => weights = network.NamedTensors().Single(named => named.Name == "head.weight").Tensor.Values());
        return weights;
    }

    /// <summary>A linear layer that counts the rows it sees.</summary>
    private sealed class Counting : nn.Module<Tensor, Tensor>
    {
        private readonly Dense layer;

        public Counting(long inputs, long outputs)
            : base(nameof(Counting))
        {
            layer = new Dense(inputs, outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            s_rowsSeen += input.shape[0];
            return layer.call(input);
        }
    }

    /// <summary>The sequential with a forward of its own, by stages or not.</summary>
    private sealed class Staged : nn.Module<Tensor, Tensor>, IStagedModule
    {
#pragma warning disable IDE1006 // The names of the tensors.
        private readonly Counting one;
        private readonly Dense two;
        private readonly Dense head;
#pragma warning restore IDE1006
        private readonly double _dropout;
        private readonly int _computes;
        private readonly Func<Tensor, Tensor> _gives;

        public Staged(ModuleContext context, double dropout, int computes = 3, Func<Tensor, Tensor>? gives = null)
            : base(nameof(Staged))
        {
            (one, two, head) = (new Counting(context.Inputs[0].Size, 10), new Dense(10, 8), new Dense(8, context.Outputs));
            (_dropout, _computes, _gives) = (dropout, computes, gives ?? (x => x));
            RegisterComponents();
        }

        public IReadOnlyList<string> Stages => ["one", "two", "head"];

        public Func<Tensor, Tensor>? ComputationOf(int stage) => stage >= _computes ? null : stage switch
        {
            0 => x => one.call(x).relu_(),
            1 => x => _gives(two.call(x)),
            _ => x => head.call(nn.functional.dropout(x, _dropout, training)),
        };

        public override Tensor forward(Tensor input) =>
            head.call(nn.functional.dropout(two.call(one.call(input).relu_()), _dropout, training));
    }
}
