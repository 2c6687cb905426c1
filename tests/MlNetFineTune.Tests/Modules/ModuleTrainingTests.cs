using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Seeds, strategies, frozen stages, and what is promised about TorchSharp's process-wide generator.</summary>
[TestClass]
public sealed class ModuleTrainingTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _rows = TableRow.Many(60);

    private static ModuleFineTuningOptions Dropping =>
        SmallModules.Regression with { Factory = new TwoLayersFactory { Dropout = 0.5 }, Epochs = 3 };

    [TestMethod]
    public void TheSameSeedGivesTheSameWeightsWithDropoutWhateverTheGeneratorDoes()
    {
        manual_seed(1).Dispose();
        var first = Train(Dropping);
        manual_seed(99).Dispose();
        var second = Train(Dropping with { Progress = new Draws() });

        CollectionAssert.AreEqual(first, second);
        CollectionAssert.AreNotEqual(first, Train(Dropping with { Seed = 2 }));
        CollectionAssert.AreNotEqual(first, Train(Dropping with { Factory = new TwoLayersFactory() }), "dropout does something");
    }

    [TestMethod]
    public void TheProcessWideGeneratorIsLeftAsItWas()
    {
        using var before = get_rng_state();

        using var model = _ml.Regression.Trainers.FineTuneModule(Dropping).Fit(View());
        _ = model.Transform(View()).GetColumn<float>("Score").ToArray();
        using var loaded = SmallModules.Reload(_ml, model);

        using var after = get_rng_state();
        CollectionAssert.AreEqual(before.bytes.ToArray(), after.bytes.ToArray());
    }

    [TestMethod]
    public void AFactoryThatThrowsLeavesTheGeneratorToo()
    {
        using var before = get_rng_state();
        AnyFactory.Make = _ =>
        {
            using var drawn = rand(3);
            throw new FormatException("no");
        };
        Assert.Throws<InvalidOperationException>(() => Train(SmallModules.Regression with { Factory = new AnyFactory() }));
        using var after = get_rng_state();
        CollectionAssert.AreEqual(before.bytes.ToArray(), after.bytes.ToArray());
    }

    [TestMethod]
    public void HeadOnlyChangesTheLastChildAlone()
    {
        using var start = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Epochs = 1, LearningRate = 1e-30f })
            .Fit(View());
        using var model = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Strategy = Strategy.HeadOnly }).Fit(View());

        var (before, after) = (TensorsOf(start), TensorsOf(model));
        CollectionAssert.AreEqual(before["first.weight"], after["first.weight"]);
        CollectionAssert.AreNotEqual(before["last.weight"], after["last.weight"]);
        Assert.AreEqual(9, model.Report!.TrainedParameters);
        Assert.IsEmpty(model.Report.TrainedStages);
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => Train(SmallModules.Regression with { Strategy = Strategy.LastStages(2) })).Message,
            "module 'two layers' has 1 stages: first");
    }

    [TestMethod]
    public void StatedStagesAreFrozenWithTheirBatchNormAndTheirModeAndTheRestTrains()
    {
        var modes = new HashSet<string>(); // of a stage in training steps
        AnyFactory.Make = _ => new Staged(modes);
        using var model = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with
        {
            Factory = new AnyFactory(),
            Strategy = Strategy.LastStages(1),
            Validation = ValidationData.None,
        }).Fit(View());

        CollectionAssert.AreEqual(new[] { "body.1" }, model.Report!.TrainedStages.ToArray());
        var tensors = TensorsOf(model);
        CollectionAssert.AreEqual(new double[6], tensors["body.0.mean"], "a frozen stage's running statistics do not move");
        Assert.AreNotEqual(0, tensors["body.1.mean"][0]);
        CollectionAssert.AreEqual(new[] { 1.0 }, tensors["scale"], "the module's own parameter belongs to the first stage");
        CollectionAssert.AreEquivalent(new[] { "body.0 False", "body.1 True" }, modes.ToArray());

        AnyFactory.Make = _ => new Staged(modes, "body.0", "head");
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => Train(SmallModules.Regression with { Factory = new AnyFactory() })).Message,
            "body.1.mean");
    }

    [TestMethod]
    public void ATrainingIsCancelledOrStoppedWithTheBestSoFar()
    {
        using var source = new CancellationTokenSource();
        var watch = new Watch(progress =>
        {
            if (progress.Epoch == 2)
                source.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => Train(SmallModules.Regression with { CancellationToken = source.Token, Progress = watch }));

        using var stop = new CancellationTokenSource();
        using var model = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with
        {
            StopToken = stop.Token,
            Progress = new Watch(progress =>
            {
                if (progress.Epoch == 3)
                    stop.Cancel();
            }),
        }).Fit(View());
        Assert.AreEqual(TrainingReport.EndReason.Stopped, model.Report!.End);
        Assert.HasCount(2, model.Report.Epochs);
    }

    [TestMethod]
    public void BatchesAndThreadsScoreAlikeAndFastInBatches()
    {
        using var model = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Epochs = 1 }).Fit(View());
        var many = SmallModules.View(_ml, TableRow.Many(1000, seed: 5));
        var expected = model.Transform(many).GetColumn<float>("Score").ToArray();
        Parallel.For(0, 4, _ => CollectionAssert.AreEqual(expected, model.Transform(many).GetColumn<float>("Score").ToArray()));
        Assert.AreEqual(256, ((IBatchedTransformer)model).BatchSize);
    }

    [TestMethod]
    public void LayersOfTorchSharpTrainAndLeaveNothingBehindButItsOwnMiscount()
    {
        // TorchSharp 0.107 counts each parameter that its constructors make once too often, for ever; nothing else may stay.
        var before = Tensor.TotalCount;
        TorchLayers().Dispose();
        var miscount = Tensor.TotalCount - before;
        AnyFactory.Make = _ => TorchLayers();
        before = Tensor.TotalCount;

        byte[] first = Train(Numbers(), out var statistics), second = Train(Numbers(), out _);

        CollectionAssert.AreEqual(first, second, "LSTM, BatchNorm and dropout of the same seed");
        Assert.AreNotEqual(0, statistics, "BatchNorm's count of batches is kept as an integer");
        Assert.AreEqual(2 * miscount, Tensor.TotalCount - before);
        MiscountedTensors.Expect(3 * miscount);

        static nn.Module TorchLayers() => new Recurrent();

        static ModuleFineTuningOptions Numbers() =>
            SmallModules.Regression with { Factory = new AnyFactory(), Inputs = [ModuleInput.Column("Features", 3, 2)], Epochs = 2 };

        byte[] Train(ModuleFineTuningOptions options, out double statistics)
        {
            using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(View());
            statistics = TensorsOf(model).Single(tensor => tensor.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Value[0];
            return SmallModules.WeightsOf(model);
        }
    }

    private byte[] Train(ModuleFineTuningOptions options)
    {
        using var model = _ml.Regression.Trainers.FineTuneModule((ModuleFineTuningOptions)options).Fit(View());
        return SmallModules.WeightsOf(model);
    }

    private static Dictionary<string, double[]> TensorsOf(FineTuningTransformer model)
    {
        Dictionary<string, double[]> tensors = [];
        model.Scorer.Read(network => tensors = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values()));
        return tensors;
    }

    private IDataView View() => SmallModules.View(_ml, _rows);

    private sealed class Watch(Action<TrainingProgress> see) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => see(value);
    }

    private sealed class Draws : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            using var drawn = rand(7);
        }
    }

    /// <summary>Running means in two stages, a head, and a parameter of its own.</summary>
    private sealed class Staged : nn.Module<Tensor, Tensor>, IStagedModule
    {
        private readonly Parameter scale = Parameters.Of(ones(1));
        private readonly Body body;
        private readonly Dense head = new(6, 1);

        public Staged(HashSet<string> modes, params string[] stages)
            : base(nameof(Staged))
        {
            Stages = stages.Length > 0 ? stages : ["body.0", "body.1", "head"];
            body = new Body(modes);
            RegisterComponents();
        }

        public IReadOnlyList<string> Stages { get; }

        public override Tensor forward(Tensor input) => head.call(body.call(input * scale));

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                scale.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Body : nn.Module<Tensor, Tensor>
    {
        private readonly RunningMean[] _parts;

        public Body(HashSet<string> modes)
            : base(nameof(Body))
        {
            _parts = [new("body.0", modes), new("body.1", modes)];
            register_module("0", _parts[0]);
            register_module("1", _parts[1]);
        }

        public override Tensor forward(Tensor input) => _parts[1].call(_parts[0].call(input));
    }

    private sealed class RunningMean : nn.Module<Tensor, Tensor>
    {
        private readonly Tensor mean = zeros(6).DetachFromDisposeScope();
        private readonly Dense layer = new(6, 6);
        private readonly string _path;
        private readonly HashSet<string> _modes;

        public RunningMean(string path, HashSet<string> modes)
            : base(nameof(RunningMean))
        {
            (_path, _modes) = (path, modes);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            if (is_grad_enabled())
                _modes.Add($"{_path} {training}");
            var output = layer.call(input);
            if (training)
            {
                using var noGradients = no_grad();
                mean.mul_(0.9).add_(output.mean([0]), alpha: 0.1);
            }
            return output - mean;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                mean.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Recurrent : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.LSTM lstm = nn.LSTM(2, 5, batchFirst: true);
        private readonly TorchSharp.Modules.BatchNorm1d norm = nn.BatchNorm1d(5);
        private readonly TorchSharp.Modules.Dropout dropout = nn.Dropout(0.2);
        private readonly TorchSharp.Modules.Linear head = nn.Linear(5, 1);

        public Recurrent()
            : base(nameof(Recurrent)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var (output, _, _) = lstm.call(input, null);
            return head.call(dropout.call(norm.call(output.select(1, -1))));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                lstm.Dispose();
                norm.Dispose();
                dropout.Dispose();
                head.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
