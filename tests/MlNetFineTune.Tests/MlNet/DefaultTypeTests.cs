using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>
/// Somebody else in the process may have called <c>torch.set_default_dtype(float64)</c>: everything of ours is the same to the bit.
/// </summary>
[TestClass]
public sealed partial class DefaultTypeTests
{
    private static readonly Photo[] s_photos = SmallPictures.Take(5);

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Ways =>
    [
        ["everything", (ImageFineTuningOptions options) => options with { Augmentation = Augmentation.Standard,
            WeightAveraging = WeightAveraging.Exponential(0.9f) }],
        ["head", (ImageFineTuningOptions options) => options with { Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.FixedViews(
                Augmentation.Sequence(Augmentation.HorizontalFlip(), Augmentation.RandomErasing(1, noise: true)), 2) }],
        ["lora", (ImageFineTuningOptions options) => options with { Adapter = Adapter.Lora(dropout: 0.5f), Optimizer = Optimizer.Adam() }],
        ["mixed, focal", (ImageFineTuningOptions options) => options
            with { Augmentation = Augmentation.MixUp(),
                Task = LearningTask.Multiclass(loss: ClassificationLoss.Focal(), classWeights: ClassWeights.Balanced),
                Optimizer = Optimizer.Sgd() }],
        ["cut, one against all", (ImageFineTuningOptions options) => options with { Augmentation = Augmentation.CutMix(),
            Task = LearningTask.Multiclass(loss: ClassificationLoss.BinaryCrossEntropy(0.1f)), Optimizer = Optimizer.Lion(),
            GradientClipping = GradientClipping.Adaptive() }],
        ["accumulated, recomputed", (ImageFineTuningOptions options) => options with { AccumulationSteps = 2,
            ActivationCheckpointing = true, Optimizer = Optimizer.RmsProp(), GradientClipping = GradientClipping.Norm(1) }],
        ["averaged, calibrated", (ImageFineTuningOptions options) => options with { WeightAveraging = WeightAveraging.BestCheckpoints(2),
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()), BatchNorm = BatchNormMode.Train,
            Strategy = Strategy.ProbeThenFull() }],
        ["luminance", (ImageFineTuningOptions options) => options with { Backbone = options.Backbone with { InputChannels = 1 } }],
        ["drawn anew", (ImageFineTuningOptions options) => options with { Backbone = Pretrained().ReinitializeStage("layer3") }],
    ];

    [TestMethod]
    [DynamicData(nameof(Ways))]
    public void APictureModelIsTrainedScoredSavedLoadedAndExportedToTheSameBits(
        string name, Func<ImageFineTuningOptions, ImageFineTuningOptions> way)
    {
        var options = way(SmallTraining.Options with { Validation = ValidationData.Fraction(0.4f) });
        var expected = Everything();
        var actual = InDoubles(Everything);

        CollectionAssert.AreEqual(expected.Weights, actual.Weights, name);
        SmallTraining.AssertSameBits(expected.Scores, actual.Scores);
        CollectionAssert.AreEqual(expected.Onnx, actual.Onnx, name);
        Assert.AreEqual(expected.Loss, actual.Loss);

        (byte[] Weights, float[][] Scores, byte[] Onnx, double? Loss) Everything()
        {
            using var folder = new Folder();
            using var model = SmallTraining.Fit(_ml, options with
            {
                RunFolder = folder.File("run"),
                Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("checkpoint"))
            }, s_photos);
            using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
            var view = SmallPictures.View(_ml, SmallPictures.Take(3, skip: 20));
            var scores = SmallTraining.Scores(loaded.Transform(view));
            SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(view)), scores);
            _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
            return (SmallTraining.WeightsOf(model), scores, File.ReadAllBytes(folder.File("model.onnx")),
                model.Report!.Epochs[^1].ValidationLoss);
        }
    }

    [TestMethod]
    public void ModelsMadeOfOthersAreTheSameToo()
    {
        var expected = Everything();
        var actual = InDoubles(Everything);
        for (var i = 0; i < expected.Count; i++)
            CollectionAssert.AreEqual(expected[i], actual[i], $"model {i}");

        List<byte[]> Everything()
        {
            using var teacher = SmallTraining.LoadModel(_ml);
            var options = SmallTraining.Options with { Epochs = 1 };
            using var taught = SmallTraining.Fit(_ml, options with { Distillation = Distillation.From(teacher) }, s_photos);
            using var pruned = SmallTraining.Fit(_ml, options with { Backbone = Backbone.FromModel(teacher).Prune(0.5f) }, s_photos);
            using var half = teacher.WithHalfPrecisionWeights();
            // The entries: a zip has the time when each was written.
            return [
                SmallTraining.WeightsOf(taught), SmallTraining.WeightsOf(pruned),
                .. Zip.Read(SmallTraining.Save(_ml, half)).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value),
            ];
        }
    }

    [TestMethod]
    public void EveryNetworkIsMadeOfSingles()
    {
        foreach (var name in FixtureNetworks.Names)
        {
            var width = (float)Fixture.Read($"network-{name}.json").GetProperty("cases")[0].Number("widthMultiplier");
            using var scope = NewDisposeScope();
            using var network = InDoubles(() => ImageNetwork.CreateEmpty(FixtureNetworks.Find(name, width), outputs: 3));
            foreach (var (tensor, value) in network.NamedTensors())
                Assert.AreEqual(ScalarType.Float32, value.dtype, $"{name}: {tensor}");
            var size = network.Definition.Preprocessing.Size is 42 ? 42 : 64;
            using var noGradients = no_grad();
            network.PrepareForScoring();
            Assert.AreEqual(ScalarType.Float32, InDoubles(() => network.ForwardRest(zeros(2, 3, size, size, ScalarType.Float32), 0)).dtype,
                name);
        }
    }

    [TestMethod]
    public void ModulesOfSinglesTrainAndOthersAreToldOfTheDefaultType()
    {
        AnyFactory.Make = context => new Singles(context.Inputs[0].Size, context.Outputs);
        var data = SmallModules.View(_ml, TableRow.Many(40));
        byte[][] Everything()
        {
            using var classes = _ml.MulticlassClassification.Trainers.FineTuneModule(
                SmallModules.Multiclass with { Factory = new AnyFactory(), Epochs = 2 }).Fit(data);
            using var binary = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with
            {
                Factory = new AnyFactory(),
                Epochs = 2,
                Task = LearningTask.Binary(classWeights: ClassWeights.Of(1, 3))
            }).Fit(data);
            using var regression = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with
            {
                Factory = new AnyFactory(),
                Epochs = 2
            }).Fit(data);
            Assert.IsGreaterThan(0, _ml.Regression.Evaluate(regression.Transform(data), "Number").RootMeanSquaredError);
            return [SmallModules.WeightsOf(classes), SmallModules.WeightsOf(binary), SmallModules.WeightsOf(regression)];
        }

        var expected = Everything();
        var actual = InDoubles(Everything);
        for (var i = 0; i < expected.Length; i++)
            CollectionAssert.AreEqual(expected[i], actual[i], $"task {i}");

        var error = InDoubles(() => Assert.ThrowsExactly<ArgumentException>(() =>
            _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression).Fit(data))); // draws its weights without saying the type
        foreach (var part in (string[])["module 'two layers' is Float64", "torch.set_default_dtype", "dtype: ScalarType.Float32"])
            StringAssert.Contains(error.Message, part);
    }

    [TestMethod]
    public void NoTensorTakesTheTypeOfTheProcess()
    {
        var found = from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
                    where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}")
                    from line in File.ReadLines(file).Index()
                    let code = Texts().Replace(line.Item, "\"\"").Split("//")[0]
                    where Factory().IsMatch(code)
                        && !code.Contains("Type", StringComparison.Ordinal) && !code.Contains("dtype", StringComparison.Ordinal)
                    select $"{Path.GetFileName(file)}({line.Index + 1}): {line.Item.Trim()}";
        var all = string.Join("\n", found);
        if (all.Length > 0)
            Assert.Fail($"These tensors have the default type of the process; say theirs:\n{all}");
        Assert.IsTrue(Factory().IsMatch("var x = zeros(3);") && Factory().IsMatch("torch.full([2], number)")
            && !Factory().IsMatch("weights.zeros(3)") && !Factory().IsMatch("zeros_like(x)"));
    }

    // tensor(values) has the type of the values, and zeros_like that of its model.
    [GeneratedRegex(@"(?<![\w.])(torch\.)?(zeros|ones|empty|full|rand|randn|randint|eye|arange|linspace|logspace)\s*\(")]
    private static partial Regex Factory();

    [GeneratedRegex("\"([^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Texts();

    private static Backbone Pretrained()
    {
        using var network = SmallTraining.Backbone.CreateNetwork(seed: 5);
        var path = Path.Combine(SmallPictures.NewFolder(), "micro.safetensors");
        SafeTensorsWriter.WriteFile(path, network.NamedTensors(), new Dictionary<string, string>());
        return Backbone.Micro.WithWeights(path) with { Preprocessing = SmallTraining.Backbone.Preprocessing };
    }

    private static T InDoubles<T>(Func<T> action)
    {
        var before = get_default_dtype();
        set_default_dtype(ScalarType.Float64);
        try
        {
            return action();
        }
        finally
        {
            set_default_dtype(before);
        }
    }

    private sealed class Singles : nn.Module<Tensor, Tensor>
    {
#pragma warning disable IDE1006 // The names of the tensors.
        private readonly TorchSharp.Modules.Parameter weight;
#pragma warning restore IDE1006

        public Singles(long inputs, long outputs)
            : base(nameof(Singles))
        {
            weight = Parameters.Of(rand(outputs, inputs, ScalarType.Float32));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => nn.functional.dropout(nn.functional.linear(input, weight), 0.2, training);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                weight.Dispose();
            base.Dispose(disposing);
        }
    }
}
