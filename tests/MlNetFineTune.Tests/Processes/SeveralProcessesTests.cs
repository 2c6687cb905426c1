using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>Several processes are one: the same weights, losses and metrics after some twenty steps.</summary>
[TestClass]
public sealed class SeveralProcessesTests
{
    private static readonly Photo[] s_photos = SmallPictures.Take(8);
    private readonly int _threads = get_num_threads();

    private static readonly ModuleFineTuningOptions s_module = SmallModules.Multiclass with
    {
        Epochs = 6,
        BatchSize = 14, // 53 rows: four batches, the last one shorter
        Optimizer = Optimizer.Sgd(),
        Validation = ValidationData.None,
    };

    private static readonly ImageFineTuningOptions s_images = SmallTraining.Options with
    {
        Augmentation = Augmentation.Standard,
        Validation = ValidationData.Fraction(0.25f),
        Optimizer = Optimizer.Sgd(),
        LearningRate = 1e-2f,
        Epochs = 7,
        BatchSize = 7, // 18 rows: three batches of six
    };

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    public static IEnumerable<object[]> Modules =>
    [
        ["plain", 2, s_module],
        ["plain", 4, s_module],
        ["clipped and averaged", 3, s_module with
        {
            GradientClipping = GradientClipping.Norm(0.5f),
            WeightAveraging = WeightAveraging.Exponential(0.9f),
            Validation = ValidationData.Fraction(0.2f),
        }],
        ["AdamW", 2, s_module with { Optimizer = Optimizer.AdamW() }],
        ["accumulating, with weights of classes", 3, s_module with
        {
            BatchSize = 5,
            AccumulationSteps = 3,
            Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(1, 5, 0.25f)),
            ExampleWeightColumnName = nameof(TableRow.Number), // some rows weigh nothing
        }],
        ["batches of fewer rows than processes", 4, s_module with { BatchSize = 3, Epochs = 2 }],
        ["early stopping", 2, s_module with
        {
            Validation = ValidationData.Fraction(0.3f),
            Epochs = 20,
            LearningRate = 0.3f,
            EarlyStoppingPatience = 2,
            WeightAveraging = WeightAveraging.BestCheckpoints(2),
        }],
        ["balanced", 2, s_module with
        {
            Sampling = Sampling.Balanced,
            Metric = Metric.Accuracy,
            Validation = ValidationData.Fraction(0.2f),
        }],
    ];

    [TestMethod]
    [DynamicData(nameof(Modules))]
    public void ModulesAreTheSame(string name, int size, ModuleFineTuningOptions options)
    {
        var rows = TableRow.Many(53);
        foreach (var row in rows)
            row.Number = row.Kind == "kind1" && row.Number > 0.6f ? 0 : 0.5f + row.Number * row.Number;

        SeveralProcesses.AssertAreOne(size, options, (ml, its) => ml.MulticlassClassification.Trainers
            .FineTuneModule(its).Fit(SmallModules.View(ml, rows)));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void SeveralHeadsAreTheSame(int accumulation)
    {
        var rows = TableRow.Many(48);
        foreach (var (place, row) in rows.Index())
        {
            row.Number = place % 16 < 10 ? float.NaN : row.Number;
            row.Size = 0.5f + place % 3; // weighs the row
        }
        var options = s_module with
        {
            Task = LearningTask.Several(
                new("Kind", LearningTask.Multiclass(classWeights: ClassWeights.Of(1, 5, 0.25f))),
                new("Number", LearningTask.Regression(), weight: 2), new("Yes", LearningTask.Binary())),
            ExampleWeightColumnName = "Size",
            BatchSize = 12 / accumulation,
            AccumulationSteps = accumulation,
            Validation = ValidationData.Fraction(0.25f),
        };

        SeveralProcesses.AssertAreOne(3, options, (ml, its) => ml.FineTuning.FineTuneModule(its).Fit(SmallModules.View(ml, rows)));
    }

    public static IEnumerable<object[]> Images =>
    [
        ["augmented", 2, s_images],
        ["accumulating", 3, s_images with { BatchSize = 5, AccumulationSteps = 2, Augmentation = Augmentation.MixUp() }],
        ["recomputed activations", 2, s_images with { ActivationCheckpointing = true }],
        ["adapters", 2, s_images with { Adapter = Adapter.Lora(2, dropout: 0.3f) }],
        ["cached features", 2, s_images with
        {
            Strategy = Strategy.LastStages(1),
            Augmentation = Augmentation.FixedViews(Augmentation.Light, 2),
        }],
        ["head", 3, s_images with { Strategy = Strategy.HeadOnly, Augmentation = Augmentation.None, FeatureCache = FeatureCache.None }],
    ];

    [TestMethod]
    [DynamicData(nameof(Images))]
    public void ImagesAreTheSame(string name, int size, ImageFineTuningOptions options) =>
        SeveralProcesses.AssertAreOne(size, options, (ml, its) => SmallTraining.Fit(ml, its, s_photos));

    [TestMethod]
    public void RowsThatOneProcessCannotReadAreBadInAll()
    {
        Photo[] photos = [.. s_photos.Take(11), .. BadPictures.All.Select(one => new Photo { Label = "dots", ImagePath = one.Path }),
            .. s_photos.Skip(11)];
        var options = s_images with { BadRows = BadRows.Skip(0.5f), Augmentation = Augmentation.Light };

        SeveralProcesses.AssertAreOne(2, options, (ml, its) => SmallTraining.Fit(ml, its, photos));

        var messages = ThreadGroup.Run(2, group => Assert.Throws<InvalidDataException>(() => SmallTraining.Fit(
            new MLContext(), options with { BadRows = BadRows.Throw, Processes = group }, photos)).Message);
        Assert.AreEqual(messages[0], messages[1]);
    }

    [TestMethod]
    [DataRow(2, 9, false)]
    [DataRow(2, 9, true)]
    [DataRow(3, 2, false)] // in each batch a process without rows
    [DataRow(3, 4, true)] // two pairs
    public void TextsAreTheSame(int size, int batchSize, bool pairs)
    {
        var options = SmallTexts.Options with
        {
            Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", dropout: 0.1)),
            Optimizer = Optimizer.Sgd(),
            LearningRate = pairs ? 0.05f : 0.02f,
            Epochs = batchSize < 9 ? 3 : pairs ? 4 : 7,
            BatchSize = batchSize,
            Strategy = pairs ? Strategy.ContrastiveThenProbe(2, encoderRate: 0.2f) : Strategy.Full(1),
            Validation = ValidationData.Fraction(0.3f),
        };
        var rows = SmallTexts.Take(36);

        SeveralProcesses.AssertAreOne(size, options, (ml, its) => ml.MulticlassClassification.Trainers
            .FineTuneText(its).Fit(SmallTexts.View(ml, rows)));
    }

    [TestMethod]
    [DataRow(16)]
    [DataRow(1)]
    public void WordsAndAnswersOfDifferentLengthsAreTheSame(int batchSize)
    {
        var words = SmallWords.Options with
        {
            BatchSize = batchSize,
            Epochs = batchSize == 1 ? 1 : 3,
            Optimizer = Optimizer.Sgd(),
            Validation = ValidationData.Fraction(0.3f),
        };
        SeveralProcesses.AssertAreOne(2, words, (ml, its) => ml.FineTuning.FineTuneText(its)
            .Fit(SmallWords.View(ml, SmallWords.Take(31))));

        var answers = SmallAnswers.Options with
        {
            BatchSize = batchSize,
            Epochs = words.Epochs,
            Optimizer = Optimizer.Sgd(),
            Validation = ValidationData.Fraction(0.3f),
        };
        SeveralProcesses.AssertAreOne(2, answers, (ml, its) => ml.FineTuning.FineTuneText(its)
            .Fit(SmallAnswers.View(ml, SmallAnswers.Take(31))));
    }
}
