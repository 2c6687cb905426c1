using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// What is frozen stays as the file has it, bit for bit, and computes under the file's statistics from the first row on: in kept features
/// as in training steps, in validation as in <c>Evaluate</c>. DenseNet is the network whose norms cannot all be folded.
/// </summary>
[TestClass]
public sealed class FrozenNetworksTests
{
    private const double Tolerance = 1e-5; // of a loss: float32 in batches of other sizes
    private const float NoRate = 1e-30f; // whatever moves now moves without the optimizer

    private static readonly Photo[] s_photos = SmallPictures.Take(4);
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Networks => FixtureNetworks.Names.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void TrainingTheHeadMovesNothingElseAndValidationSaysWhatMlNetSays(string network)
    {
        var (backbone, file) = Pretrained(network);
        using var model = Fit(new() { Backbone = backbone, Strategy = Strategy.HeadOnly, Augmentation = Augmentation.None });

        var frozen = Frozen(model);
        CollectionAssert.AreEquivalent(frozen.Keys.ToArray(), file.Keys.ToArray());
        DirectTraining.AssertSame(file, frozen, network);
        AssertJudgedAsMlNetDoes(model);
    }

    public static IEnumerable<object[]> Ways =>
    [
        ["LastStages(1)", (ImageFineTuningOptions options) => options with { Strategy = Strategy.LastStages(1) }],
        ["FixedViews", (ImageFineTuningOptions options) => options with { Augmentation = Augmentation.FixedViews(Augmentation.Light, 2) }],
        ["Light", (ImageFineTuningOptions options) => options with { Augmentation = Augmentation.Light }],
        ["ProbeThenFull", (ImageFineTuningOptions options) => options with { Strategy = Strategy.ProbeThenFull() }],
        ["Lora", (ImageFineTuningOptions options) => options with { Adapter = Adapter.Lora(), Strategy = Strategy.Full(1) }],
        ["None", (ImageFineTuningOptions options) => options with { FeatureCache = FeatureCache.None }],
        ["BestCheckpoints", (ImageFineTuningOptions options) => options with { WeightAveraging = WeightAveraging.BestCheckpoints(2) }],
        ["NormAndBias, frozen statistics", (ImageFineTuningOptions options) => options with { Strategy = Strategy.NormAndBias,
            BatchNorm = BatchNormMode.Frozen }],
    ];

    [TestMethod]
    [DynamicData(nameof(Ways))]
    public void HoweverItIsFrozen(string name, Func<ImageFineTuningOptions, ImageFineTuningOptions> way)
    {
        var (backbone, file) = Pretrained("densenet");
        using var model = Fit(way(new()
        {
            Backbone = backbone,
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            LearningRate = NoRate
        }));

        var trains = name == "LastStages(1)" ? backbone.Stages.Count - 1 : backbone.Stages.Count;
        var frozen = Frozen(model, trains);
        Assert.IsGreaterThan(50, frozen.Count);
        DirectTraining.AssertSame(frozen.ToDictionary(pair => pair.Key, pair => file[pair.Key]), frozen, name);
        AssertJudgedAsMlNetDoes(model);
    }

    [TestMethod]
    public void FeaturesDoNotDependOnBatchMatesInMemoryAndInAFolder()
    {
        using var folder = new Folder();
        var (backbone, _) = Pretrained("densenet");
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            LearningRate = NoRate
        };
        var rows = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, s_photos));
        foreach (var cache in (FeatureCache[])[FeatureCache.None, FeatureCache.InMemory(), FeatureCache.InFolder(folder.File("cache")),
            FeatureCache.InFolder(folder.File("cache"))])
        {
            foreach (var batchSize in (int[])[3, 12])
            {
                using var model = Fit(options with { FeatureCache = cache, BatchSize = batchSize });
                // Nothing moved, so that the loss of an epoch is that of the model.
                Assert.AreEqual(_ml.MulticlassClassification.Evaluate(model.Transform(rows)).LogLoss, model.Report!.Epochs[0].Loss,
                    Tolerance, $"{cache}, {batchSize}");
                AssertJudgedAsMlNetDoes(model);
            }
        }
    }

    [TestMethod]
    public void AModelThatGoesOnAndATeacherStayAsTheyAre()
    {
        var (backbone, file) = Pretrained("densenet");
        using var earlier = Fit(new() { Backbone = backbone, Strategy = Strategy.HeadOnly, Augmentation = Augmentation.None });
        using var next = Fit(new()
        {
            Backbone = Backbone.FromModel(earlier),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            LearningRate = NoRate
        });
        DirectTraining.AssertSame(file, Frozen(next), "goes on");
        AssertJudgedAsMlNetDoes(next);

        var taught = SmallTraining.Options with
        {
            Distillation = Distillation.From(earlier, weight: 1),
            LearningRate = NoRate,
            Strategy = Strategy.HeadOnly,
            Epochs = 1
        };
        var losses = new List<double>();
        foreach (var (cache, batchSize) in ((FeatureCache, int)[])[(FeatureCache.None, 3), (FeatureCache.InMemory(), 12)])
        {
            using var student = SmallTraining.Fit(_ml, taught with { FeatureCache = cache, BatchSize = batchSize }, s_photos);
            losses.Add(student.Report!.Epochs[0].Loss);
        }
        Assert.AreEqual(losses[0], losses[1], Tolerance, "what the teacher says does not depend on who is asked about beside");
        DirectTraining.AssertSame(file, Frozen(earlier), "teacher");
    }

    [TestMethod]
    [DataRow("scripted.pt")]
    [DataRow("traced.pt")]
    public void ProgramsOfTorchScriptToo(string program)
    {
        var backbone = Backbone.FromTorchScript(
            Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", program),
                new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half });
        Dictionary<string, double[]> file;
        using (var network = backbone.CreateNetwork(seed: 1))
            file = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal);
        foreach (var (strategy, frozenStages) in ((Strategy, int)[])[(Strategy.HeadOnly, backbone.Stages.Count), (Strategy.LastStages(1),
            backbone.Stages.Count - 1)])
        {
            using var model = Fit(new() { Backbone = backbone, Strategy = strategy, Augmentation = Augmentation.None });
            var frozen = Frozen(model, frozenStages);
            Assert.IsTrue(frozen.Keys.Any(name => name.EndsWith("running_var", StringComparison.Ordinal)), string.Join(" ", frozen.Keys));
            DirectTraining.AssertSame(frozen.ToDictionary(pair => pair.Key, pair => file[pair.Key]), frozen, program);
            AssertJudgedAsMlNetDoes(model);
        }
    }

    [TestMethod]
    public void AFrozenStageOfAModuleNeitherNormalisesByItsBatchNorDropsAnything()
    {
        AnyFactory.Make = context => new Dropping(context);
        var rows = SmallModules.View(_ml, TableRow.Many(40));
        var options = SmallModules.Multiclass with
        {
            Factory = new AnyFactory(),
            Strategy = Strategy.HeadOnly,
            LearningRate = NoRate,
            Epochs = 1,
            Validation = ValidationData.Set(rows)
        };

        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(rows);

        var loss = _ml.MulticlassClassification.Evaluate(model.Transform(rows), "Kind").LogLoss;
        Assert.AreEqual(loss, model.Report!.Epochs[0].ValidationLoss!.Value, Tolerance);
        Assert.AreEqual(loss, model.Report.Epochs[0].Loss, Tolerance, "a training step sees what scoring sees");
        using var all = _ml.MulticlassClassification.Trainers.FineTuneModule(options with { Strategy = Strategy.Full(1) }).Fit(rows);
        Assert.AreNotEqual(loss, all.Report!.Epochs[0].Loss, 1e-2, "this test is about layers that do something in training");
    }

    // Above a layer that trains, and with a norm and a dropout that have no parameters of their own to be frozen by.
    [TestMethod]
    public void AStageThatARuleFreezesAboveOneThatTrainsDoesNeitherEither()
    {
        AnyFactory.Make = context => new Dropping(context, lower: true);
        var rows = SmallModules.View(_ml, TableRow.Many(40));
        var options = SmallModules.Multiclass with
        {
            Factory = new AnyFactory(),
            Strategy = Strategy.Custom(name => name.StartsWith("body.", StringComparison.Ordinal) ? 0 : 1),
            LearningRate = NoRate,
            Epochs = 1,
        };

        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options with { Validation = ValidationData.None }).Fit(rows);

        var loss = _ml.MulticlassClassification.Evaluate(model.Transform(rows), "Kind").LogLoss;
        Assert.AreEqual(loss, model.Report!.Epochs[0].Loss, Tolerance, "a training step sees what scoring sees");
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options)
    {
        return SmallTraining.Fit(_ml, options with { Validation = ValidationData.Set(Judges()), Epochs = 2, Seed = 1 }, s_photos);
    }

    private IDataView Judges() => SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(3, skip: 20)));

    private void AssertJudgedAsMlNetDoes(FineTuningTransformer model)
    {
        var expected = _ml.MulticlassClassification.Evaluate(model.Transform(Judges())).LogLoss;
        var actual = model.Report!.Averaged?.ValidationLoss ?? model.Report.Epochs[model.Report.BestEpoch - 1].ValidationLoss!.Value;
        Assert.AreEqual(expected, actual, Tolerance * Math.Max(1, expected), "validation loss");
        Assert.IsGreaterThan(0.01, expected);
    }

    /// <summary>The tensors of the first stages, adapters merged.</summary>
    private static Dictionary<string, double[]> Frozen(FineTuningTransformer model, int stages = int.MaxValue)
    {
        Dictionary<string, double[]> tensors = [];
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            tensors = network.PlainTensors().Where(named => network.StageOf(named.Name) < Math.Min(stages, network.Stages.Count))
                .ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal);
        });
        return tensors;
    }

    /// <summary>A small network with formula weights and statistics in a file, and what is in it.</summary>
    internal static (Backbone Backbone, Dictionary<string, double[]> File) Pretrained(string network, int? size = null)
    {
        var width = (float)Fixture.Read($"network-{network}.json").GetProperty("cases")[0].Number("widthMultiplier");
        var definition = FixtureNetworks.Find(network, width);
        using var classifier = ImageNetwork.CreateEmpty(definition, outputs: 10);
        foreach (var (name, tensor) in classifier.NamedTensors())
            Formula.Fill(name, tensor);
        var path = Path.Combine(SmallPictures.NewFolder(), "pretrained.safetensors");
        SafeTensorsWriter.WriteFile(path, classifier.NamedTensors(), new Dictionary<string, string>());
        var preprocessing = new ImagePreprocessing
        {
            Size = size ?? Math.Min(definition.Preprocessing.Size, 64),
            CropFraction = 1,
            Mean = ColorTriple.Half,
            Std = ColorTriple.Half
        };
        return (definition.WithWeights(path) with { Preprocessing = preprocessing }, classifier.Backbone.NamedTensors()
            .ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal));
    }

    /// <summary>A stage with BatchNorm and dropout, and a head.</summary>
    private sealed class Dropping : nn.Module<Tensor, Tensor>
    {
        private readonly Dense? lower;
        private readonly Stage body;
        private readonly Dense head;

        public Dropping(ModuleContext context, bool lower = false)
            : base(nameof(Dropping))
        {
            var size = context.Inputs[0].Size;
            this.lower = lower ? new Dense(size, size) : null;
            (body, head) = (new Stage(size), new Dense(size, context.Outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => head.call(body.call(lower?.call(input) ?? input));

        private sealed class Stage : nn.Module<Tensor, Tensor>
        {
            private readonly BatchNorm2d norm;
            private readonly TorchSharp.Modules.Dropout dropout = nn.Dropout(0.5);

            public Stage(long size)
                : base(nameof(Stage))
            {
                norm = new BatchNorm2d((int)size, 1e-5);
                RegisterComponents();
            }

            public override Tensor forward(Tensor input)
            {
                using var scope = NewDisposeScope();
                return dropout.call(norm.forward(input.unsqueeze(2).unsqueeze(3)).flatten(1)).MoveToOuterDisposeScope();
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    norm.Dispose();
                    dropout.Dispose();
                }
                base.Dispose(disposing);
            }
        }
    }
}
