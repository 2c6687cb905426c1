using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Distillation into modules and from modules.</summary>
[TestClass]
public sealed class ModuleDistillationTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(90);
    private static readonly ImagePreprocessing s_half =
        new() { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AStudentWhoseLabelsAreAllWrongLearnsWhatItsTeacherSays()
    {
        using var teacher = Fit(SmallModules.Multiclass, s_rows);
        TableRow[] wrong =
            [.. s_rows.Select(
                row => new TableRow { Features = row.Features, Size = row.Size, Color = row.Color,
                Kind = $"kind{(row.Kind[^1] - '0' + 1) % 3}" })];
        var options = SmallModules.Multiclass
            with
        { Factory = new TwoLayersFactory { Hidden = 5 }, Epochs = 20, Validation = ValidationData.None };

        using var taught = Fit(options with { Distillation = Distillation.From(teacher, weight: 1) }, wrong);
        using var alone = Fit(options, wrong);

        var test = SmallModules.View(_ml, TableRow.Many(60, seed: 7));
        Assert.IsGreaterThan(0.9, Accuracy(teacher, test), "itself");
        Assert.IsGreaterThan(0.9, Accuracy(taught, test), "what the teacher says, by no label");
        Assert.IsLessThan(0.2, Accuracy(alone, test));
        Assert.AreEqual("module 'two layers'", taught.Report!.Distillation!.Value.Teacher);
        using var loaded = SmallModules.Reload(_ml, taught);
        SmallTraining.AssertSameBits(SmallTraining.Scores(taught.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
    }

    [TestMethod]
    public void OneStepIsTheGradientOfTheTeachersTargets()
    {
        // All rows in one step of plain SGD, at weight 1 and temperature 1: W - rate dL/dW, where L = KL(teacher || student).
        using var teacher = Fit(SmallModules.Multiclass, s_rows);
        var options = SmallModules.Multiclass with
        {
            Optimizer = Optimizer.Sgd(momentum: 0, weightDecay: 0, nesterov: false),
            Schedule = LearningRateSchedule.Constant(),
            LearningRate = 0.5f,
            BatchSize = s_rows.Length,
            Epochs = 1,
            Validation = ValidationData.None,
            Seed = 4,
        };
        using var before = Fit(options with { StopToken = new CancellationToken(canceled: true) }, s_rows);
        using var after = Fit(options with { Distillation = Distillation.From(teacher, temperature: 1, weight: 1) }, s_rows);

        using var scope = NewDisposeScope();
        var features = tensor(s_rows.SelectMany(row => row.Features).ToArray(), [s_rows.Length, 6]);
        Tensor? targets = null;
        teacher.Scorer.Read(network => targets = network.ForwardRest(features, 0).detach().softmax(1));
        var (start, end) = (Tensors(before), Tensors(after));
        foreach (var parameter in start.Values)
            parameter.requires_grad_();
        var hidden = nn.functional.linear(features, start["first.weight"], start["first.bias"]).tanh();
        var logits = nn.functional.linear(hidden, start["last.weight"], start["last.bias"]);
        targets!.mul(targets.log() - logits.log_softmax(1)).sum().div(s_rows.Length).backward();
        foreach (var (name, parameter) in start)
        {
            Fixture.AreClose((parameter - 0.5 * parameter.grad!).Values(), end[name].Values(), 1e-5, name);
            Assert.IsGreaterThan(1e-4, parameter.grad!.abs().max().item<float>(), name);
        }
    }

    [TestMethod]
    public void SeveralInputsAreTaughtToTheSameBitsWhetherLogitsAreKeptOrNot()
    {
        var both = SmallModules.Multiclass
            with
        { Factory = new EmbeddedFactory(), Inputs = ["Features", "Color"], Epochs = 3, BatchSize = 1 };
        using var teacher = Fit(both with { BatchSize = 16 }, s_rows);
        var taught = both with { Distillation = Distillation.From(teacher), Seed = 9 };

        using var expected = Fit(taught with { FeatureCache = FeatureCache.None }, s_rows);
        using var kept = Fit(taught, s_rows);
        CollectionAssert.AreEqual(SmallModules.WeightsOf(expected), SmallModules.WeightsOf(kept));

        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Fit(taught with { Factory = new TwoLayersFactory(), Inputs = ["Features"] }, s_rows)).Message,
            "(module 'embedded') sees Features [6] of numbers; Color [] of 4 keys, and the student Features [6] of numbers: "
                + "both must have the same inputs");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => SmallTraining.Fit(_ml, SmallTraining.Options with { Distillation = Distillation.From(teacher) },
                    SmallPictures.Take(3))).Message,
            "sees Features [6] of numbers; Color [] of 4 keys and the student (micro) pictures alone");
        using var binary = (FineTuningTransformer)_ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Epochs = 1 })
            .Fit(SmallModules.View(_ml, s_rows));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Distillation.From(binary)).Message,
            "A teacher is a classifier of several classes");
        var stock = _ml.Transforms.CopyColumns("A", "Features").Fit(SmallModules.View(_ml, s_rows));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Distillation.From(stock)).Message,
            "A teacher is one fine-tuned network, but ColumnCopyingTransformer has none");
    }

    [TestMethod]
    public void ImageNetworksTeachModulesOfPicturesAndTheOtherWayRound()
    {
        AnyFactory.Make = context => new OfPictures(context);
        var photos = SmallPictures.Take(6);
        var module = SmallModules.Multiclass
            with
        {
            Factory = new AnyFactory(),
            LabelColumnName = "Label",
            Inputs = [ModuleInput.Image("ImagePath", s_half)],
            Epochs = 2,
            Validation = ValidationData.None
        };
        using var image = SmallTraining.LoadModel(_ml);
        using var student = FitPictures(module with { Distillation = Distillation.From(image) }, photos);
        using var back = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Distillation = Distillation.From(student), Epochs = 1 }, photos);
        Assert.AreEqual("micro", student.Report!.Distillation!.Value.Teacher);
        Assert.AreEqual("module 'any'", back.Report!.Distillation!.Value.Teacher);

        // Each model's outputs for the other's pixels, converted from another normalisation, equal those for its own.
        foreach (var (teacher, form) in ((FineTuningTransformer, ImagePreprocessing)[])[
            (image, s_half with { Mean = ColorTriple.ImageNetMean, Std = ColorTriple.ImageNetStd }),
            (student, SmallTraining.Backbone.Preprocessing with { Mean = ColorTriple.ImageNetMean, Std = ColorTriple.ImageNetStd })])
        {
            using var scope = NewDisposeScope();
            var source = ((IFineTunedModel)teacher).AsSource();
            using var taught = new Teacher(source, [2, 0, 1], new PictureForm(form, 3), "student", CPU);
            var bytes = new byte[2 * 3 * 32 * 32];
            new Random(1).NextBytes(bytes);
            using var theirs = new PixelNormalizer(form, CPU);
            using var own = new PixelNormalizer(source.Pixels!.Preprocessing, CPU);
            double[] expected = [];
            teacher.Scorer.Read(network =>
            {
                using var inference = no_grad();
                expected = network.ForwardRest(own.Normalize(bytes, 2).contiguous(), 0)
                    .index_select(1, tensor(new long[] { 2, 0, 1 })).Values();
            });
            Fixture.AreClose(expected, taught.LogitsOf(theirs.Normalize(bytes, 2)).Values(), 1e-4, "logits");
        }
    }

    private static Dictionary<string, Tensor> Tensors(FineTuningTransformer model)
    {
        Dictionary<string, Tensor> tensors = [];
        model.Scorer.Read(network => tensors = network.NamedTensors()
            .ToDictionary(named => named.Name, named => named.Tensor.detach().clone()));
        return tensors;
    }

    private double Accuracy(FineTuningTransformer model, IDataView test) =>
        _ml.MulticlassClassification.Evaluate(model.Transform(test), labelColumnName: "Kind").MicroAccuracy;

    private FineTuningTransformer Fit(ModuleFineTuningOptions options, TableRow[] rows) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows));

    private FineTuningTransformer FitPictures(ModuleFineTuningOptions options, Photo[] photos) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options)
            .Fit(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos)));

    /// <summary>Changes what it is given.</summary>
    private sealed class OfPictures : nn.Module<Tensor, Tensor>
    {
        private readonly Dense last;

        public OfPictures(ModuleContext context)
            : base(nameof(OfPictures))
        {
            last = new Dense(3, context.Outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => last.call(input.relu_().mean([2, 3]));
    }
}
