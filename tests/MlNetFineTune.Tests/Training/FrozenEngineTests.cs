using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tests.Modules;
using MlNetFineTune.Tests.Onnx;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Frozen stages in ONNX Runtime: the features of libtorch, cached under their own key, or libtorch with a reason.</summary>
[TestClass]
public sealed class FrozenEngineTests
{
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Strategy = Strategy.HeadOnly,
        Validation = ValidationData.Fraction(0.25f),
        Optimizer = Optimizer.Sgd(), // which does not enlarge differences by rounding
        LearningRate = 1e-2f,
        Epochs = 3,
    };

    private static readonly Photo[] s_photos = SmallPictures.Take(8);

    private readonly MLContext _ml = new(seed: 1);
    private readonly LogLines _log;

    public FrozenEngineTests() => _log = new LogLines(_ml);

    public static IEnumerable<object[]> Families => FixtureNetworks.Names.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AnyNumberOfStagesOfEveryFamilyGivesTheFeaturesOfLibtorch(string family)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = Formula.Classifier(family, width: 0.5f, "symmetric", epsilon: 1e-3);
        network.PrepareForScoring();
        using var collator = network.CreateCollator();
        var size = network.Definition.Preprocessing.Size;
        byte[] pictures = [.. Enumerable.Range(1, 3).SelectMany(seed => Drawn(seed, 3 * size * size))];
        foreach (var stages in (int[])[1, network.Stages.Count / 2, network.Stages.Count])
        {
            using var engine = OnnxEngine.Open(network, stages);
            foreach (var rows in (int[])[3, 1])
            {
                var inputs = collator.Collate(pictures, rows);
                var (expected, actual) = (network.ForwardFirst(inputs, stages), engine.Forward(inputs));
                CollectionAssert.AreEqual(expected.shape, actual.shape);
                if (expected.ndim == 4)
                    CollectionAssert.AreEqual(expected.stride(), actual.stride(), "the layout that the next stage expects");
                var difference = (expected - actual).abs().max().item<float>() / expected.abs().max().item<float>();
                Assert.IsLessThan(1e-4f, difference, $"{stages} stages, {rows} rows");
            }
        }
    }

    [TestMethod]
    public void ATrainingOfAHeadIsTheSameButForRounding()
    {
        using var expected = Fit(s_options);
        using var actual = Fit(s_options with { FrozenEngine = FrozenEngine.OnnxRuntime });

        AssertClose(expected, actual);
        Assert.AreEqual(24, actual.Report!.FeatureCache!.RowsComputed);
        Assert.IsTrue(_log.All.Any(line => line.StartsWith("The frozen stages are computed by ONNX Runtime 1.", StringComparison.Ordinal)));
        Assert.IsEmpty(_log.Warnings);
        Assert.AreEqual("libtorch", actual.ScoringEngine);
    }

    [TestMethod]
    public void WithoutACacheTheStepsUseTheEngine()
    {
        var options = s_options with { Augmentation = Augmentation.Light, FeatureCache = FeatureCache.None };
        using var expected = Fit(options);
        using var actual = Fit(options with { FrozenEngine = FrozenEngine.OnnxRuntime });

        AssertClose(expected, actual);
        CollectionAssert.AreNotEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(actual), "the engine is another one");
    }

    [TestMethod]
    public void APhaseWithTrainedStagesGetsTheMaps()
    {
        var options = s_options with { Strategy = Strategy.LastStages(1) };
        using var expected = Fit(options);
        using var actual = Fit(options with { FrozenEngine = FrozenEngine.OnnxRuntime });

        AssertClose(expected, actual);
    }

    [TestMethod]
    public void TheSameTrainingGivesTheSameBits()
    {
        foreach (var options in (ImageFineTuningOptions[])
            [s_options, s_options with { Augmentation = Augmentation.Light, FeatureCache = FeatureCache.None }])
        {
            var onnx = options with { FrozenEngine = FrozenEngine.OnnxRuntime };
            using var first = Fit(onnx);
            using var second = Fit(onnx with { Workers = 3 });
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        }
    }

    [TestMethod]
    public void ATextEncoderIsTheSameButForRounding()
    {
        var options = SmallTexts.Options with { Strategy = Strategy.HeadOnly, Optimizer = Optimizer.Sgd(), Epochs = 3 };
        using var expected = FitTexts(options);
        using var actual = FitTexts(options with { FrozenEngine = FrozenEngine.OnnxRuntime });

        AssertClose(expected, actual);
        Assert.IsEmpty(_log.Warnings);
    }

    [TestMethod]
    public void AModuleOfKnownLayersIsTheSameButForRounding()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var options = SmallModules.Multiclass with
            {
                Factory = new AnyFactory(),
                Strategy = Strategy.HeadOnly,
                Optimizer = Optimizer.Sgd(),
                Epochs = 3,
            };
            using var expected = FitModule(options);
            using var actual = FitModule(options with { FrozenEngine = FrozenEngine.OnnxRuntime });
            AssertClose(expected, actual);
            Assert.IsEmpty(_log.Warnings);
            count(2);
        });
    }

    [TestMethod]
    public void FeaturesOfAnotherEngineAreNotFoundInAFolder()
    {
        using var folder = new Folder();
        var options = s_options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) };
        var onnx = options with { FrozenEngine = FrozenEngine.OnnxRuntime };
        var first = Train(options, computed: 24, found: 0);
        var second = Train(onnx, computed: 24, found: 0);
        CollectionAssert.AreEqual(second, Train(onnx, computed: 0, found: 24));
        CollectionAssert.AreEqual(first, Train(options, computed: 0, found: 24));
    }

    [TestMethod]
    public void FeaturesInBFloat16AreNotFoundInAFolderEither()
    {
        using var folder = new Folder();
        var options = s_options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) };
        Train(options, computed: 24, found: 0);
        Train(options with { Precision = Precision.BFloat16 }, computed: 24, found: 0);
    }

    [TestMethod]
    public void FastestIsLibtorchWhereThatIsFaster()
    {
        using var expected = Fit(s_options);
        using var slower = Fit(s_options with { FrozenEngine = Fastest(libTorch: 0.001, engine: 0.002) });
        using var faster = Fit(s_options with { FrozenEngine = Fastest(libTorch: 0.002, engine: 0.001) });

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(slower));
        AssertClose(expected, faster);
        Assert.IsEmpty(_log.Warnings);
        StringAssert.Contains($"{_log}", "is not used, it takes 2.0 ms where libtorch takes 1.0 ms");
        Assert.IsTrue(_log.All.Any(line => line.Contains("it takes 1.0 ms where libtorch takes 2.0 ms", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AnEngineThatFailsInTheTrialFallsBackWithTheReason()
    {
        var fails = new OnnxFrozenEngine("Fastest", mustBeFaster: true, OnnxScoringTests.Failing);
        AssertFallsBack(() => Fit(s_options), () => Fit(s_options with { FrozenEngine = fails }), "is not used, it fails: ");
    }

    [TestMethod]
    public void AnErrorInAPartOfABatchIsThatOfOnnxRuntime()
    {
        var threads = get_num_threads();
        set_num_threads(2); // two parts
        try
        {
            using var scope = NewDisposeScope();
            using var network = Formula.Classifier("resnet20", width: 0.5f, "symmetric", epsilon: 1e-3);
            network.PrepareForScoring();
            using var engine = OnnxEngine.Open(network, 1);
            foreach (var rows in (int[])[1, 4])
                Assert.ThrowsExactly<OnnxRuntimeException>(() => engine.Forward(zeros([rows, 5, 32, 32], ScalarType.Float32)));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [TestMethod]
    public void ALayerThatIsNotKnownFallsBackWithTheReason()
    {
        TorchLayers.Count(Make, count =>
        {
            AnyFactory.Make = Make;
            var options = SmallModules.Multiclass with { Factory = new AnyFactory(), Strategy = Strategy.HeadOnly, Epochs = 3 };
            AssertFallsBack(
                () => FitModule(options), () => FitModule(options with { FrozenEngine = FrozenEngine.OnnxRuntime }), "is a Softplus");
            count(2);
        });

        static nn.Module Make(ModuleContext context) => nn.Sequential(
            ("in", nn.Linear(context.Inputs[0].Size, 24)), ("act", nn.Softplus()), ("head", nn.Linear(24, context.Outputs)));
    }

    [TestMethod]
    public void BFloat16FallsBackWithTheReason()
    {
        var options = s_options with { Precision = Precision.BFloat16 };
        AssertFallsBack(() => Fit(options), () => Fit(options with { FrozenEngine = FrozenEngine.OnnxRuntime }), "in bfloat16");
    }

    [TestMethod]
    public void NothingIsOpenedWhereNothingIsFrozen()
    {
        using var model = Fit(s_options with { Strategy = Strategy.Full(1), Epochs = 1, FrozenEngine = FrozenEngine.OnnxRuntime });
        Assert.IsFalse(_log.All.Any(line => line.Contains("frozen stages are computed by", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void TheEngineIsFreedWhenAllFeaturesAreCached()
    {
        foreach (var (cache, freedBeforeTheFirstStep) in ((FeatureCache, bool)[])
            [(FeatureCache.InMemory(), true), (FeatureCache.None, false)])
        {
            var engine = new CountedEngine();
            var freed = new List<bool>();
            var watcher = new Watcher(progress =>
            {
                if (progress.Activity == TrainingActivity.Training)
                    freed.Add(engine.Disposed == 1);
            });
            using (Fit(s_options with { FrozenEngine = engine, FeatureCache = cache, Progress = watcher }))
                Assert.AreEqual((1, 1), (engine.Opened, engine.Disposed));
            Assert.AreNotEqual(0, freed.Count);
            Assert.IsTrue(freed.TrueForAll(isFreed => isFreed == freedBeforeTheFirstStep), $"{cache}");
        }
    }

    [TestMethod]
    public void AveragesAreEvaluatedByTheEngine()
    {
        var engine = new CountedEngine();
        var options = s_options with { WeightAveraging = WeightAveraging.BestCheckpoints(2) };
        using var expected = Fit(options);
        using var actual = Fit(options with { FrozenEngine = engine });
        Assert.AreEqual((2, 2), (engine.Opened, engine.Disposed));
        Assert.AreNotEqual(0, engine.RunsOfLast);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(actual), "this engine is libtorch");
    }

    [TestMethod]
    public void AMissingLibraryIsAnErrorBeforeTheDataAreRead()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { FrozenEngine = new FailingEngine("in Check") }));
        Assert.AreEqual("in Check", error.Message);
        FrozenEngine.OnnxRuntime.Check();
    }

    [TestMethod]
    public void AnEngineThatDoesNotOpenLeavesNoTensors()
    {
        var options = s_options with
        {
            Optimizer = Optimizer.Sgd(0.9f), // with a state
            WeightAveraging = WeightAveraging.Exponential(0.9f),
            FrozenEngine = new FailingEngine("in Open"),
        };
        Assert.AreEqual("in Open", Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options)).Message);
    }

    [TestMethod]
    public void AllProcessesUseTheSameEngine()
    {
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            var (both, one) = (Weights(_ => FrozenEngine.OnnxRuntime), Weights(rank => rank == 0 ? new CountedEngine() : new NoEngine()));
            CollectionAssert.AreEqual(both[0], both[1]);
            CollectionAssert.AreEqual(Weights(_ => FrozenEngine.LibTorch)[0], one[0]);
            CollectionAssert.AreEqual(one[0], one[1]);
        }
        finally
        {
            set_num_threads(threads);
        }

        byte[][] Weights(Func<int, FrozenEngine> engineOf) => ThreadGroup.Run(2, group =>
        {
            using var model = SmallTraining.Fit(
                new MLContext(seed: 1), s_options with { Processes = group, FrozenEngine = engineOf(group.Rank) }, s_photos);
            return SmallTraining.WeightsOf(model);
        });
    }

    [TestMethod]
    public void NamesAndErrors()
    {
        Assert.AreEqual("LibTorch OnnxRuntime Fastest", $"{FrozenEngine.LibTorch} {FrozenEngine.OnnxRuntime} {FrozenEngine.Fastest}");
        StringAssert.Contains($"{s_options with { FrozenEngine = FrozenEngine.OnnxRuntime }}", "FrozenEngine = OnnxRuntime");
        Assert.ThrowsExactly<ArgumentNullException>(() => s_options with { FrozenEngine = null! });
    }

    private static OnnxFrozenEngine Fastest(double libTorch, double engine) =>
        new("Fastest", mustBeFaster: true, OnnxScoringTests.Seconds(libTorch, engine));

    private static byte[] Drawn(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options) => SmallTraining.Fit(_ml, options, s_photos);

    private FineTuningTransformer FitTexts(TextFineTuningOptions options) =>
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(SmallTexts.View(_ml, SmallTexts.Take(40)));

    private FineTuningTransformer FitModule(ModuleFineTuningOptions options) => (FineTuningTransformer)_ml.MulticlassClassification.Trainers
        .FineTuneModule(options).Fit(SmallModules.View(_ml, TableRow.Many(40)));

    private byte[] Train(ImageFineTuningOptions options, int computed, int found)
    {
        using var model = Fit(options);
        Assert.AreEqual((computed, found), (model.Report!.FeatureCache!.RowsComputed, model.Report.FeatureCache.RowsFound));
        return SmallTraining.WeightsOf(model);
    }

    // The losses of all epochs, of which the last are those of trained weights.
    private static void AssertClose(FineTuningTransformer expected, FineTuningTransformer actual)
    {
        foreach (var (one, other) in expected.Report!.Epochs.Zip(actual.Report!.Epochs))
        {
            Assert.AreEqual(one.Loss, other.Loss, 1e-4 * one.Loss);
            if (one.ValidationLoss is { } loss)
                Assert.AreEqual(loss, other.ValidationLoss!.Value, 1e-4 * loss);
        }
        Assert.AreNotEqual(expected.Report.Epochs[0].Loss, expected.Report.Epochs[^1].Loss, "it trains");
    }

    private void AssertFallsBack(Func<FineTuningTransformer> fit, Func<FineTuningTransformer> fitWithEngine, string reason)
    {
        using var expected = fit();
        using var actual = fitWithEngine();
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(actual));
        var warning = _log.Warnings.Single(line => line.StartsWith("The frozen stages are computed by libtorch", StringComparison.Ordinal));
        StringAssert.Contains(warning, reason);
    }

    /// <summary>An engine whose native library is missing.</summary>
    private sealed class FailingEngine(string place) : FrozenEngine
    {
        public override string ToString() => "failing";

        internal override void Check() => Fail("in Check");

        internal override StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel)
        {
            Fail("in Open");
            return null;
        }

        private void Fail(string here)
        {
            if (here == place)
                throw new InvalidOperationException(here);
        }
    }

    private sealed class NoEngine : FrozenEngine
    {
        public override string ToString() => "same"; // the processes compare their options

        internal override StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel) => null;
    }

    /// <summary>libtorch as an engine.</summary>
    private sealed class CountedEngine : FrozenEngine
    {
        public int Opened { get; private set; }

        public int Disposed { get; private set; }

        public int RunsOfLast { get; private set; }

        public override string ToString() => "same";

        internal override StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel)
        {
            Opened++;
            RunsOfLast = 0;
            return new Engine(this, network, stages);
        }

        private sealed class Engine(CountedEngine owner, FineTunedNetwork network, int stages) : StageEngine
        {
            private bool _isDisposed;

            public override string Name => "counted";

            public override Tensor Forward(ModelInputs inputs)
            {
                Assert.IsFalse(_isDisposed);
                owner.RunsOfLast++;
                return network.ForwardFirst(inputs, stages);
            }

            public override void Dispose()
            {
                _isDisposed = true;
                owner.Disposed++;
            }
        }
    }
}
