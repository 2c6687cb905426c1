using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.Augmentation;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// What is written in one culture is read in another: nothing that is kept, compared or logged has the numbers and letters of the user's
/// own.
/// </summary>
[TestClass]
public sealed partial class CulturesTests : IDisposable
{
    private static readonly Photo[] s_photos = SmallPictures.Take(6);

    // Numbers with fractions, of every kind that enters a fingerprint.
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Augmentation = Augmentation.Sequence(RandomResizedCrop(0.25f), HorizontalFlip(0.4f), MixUp(0.4f)),
        Validation = ValidationData.Fraction(0.25f),
        GradientClipping = GradientClipping.Norm(1.5f),
        Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(0.1f), classWeights: ClassWeights.Of(1.5f, 1, 1)),
        Strategy = Strategy.Full(0.9f),
        Epochs = 3,
        BatchSize = 4,
    };

    private readonly MLContext _ml = new();
    private readonly Folder _folder = new();

    public static IEnumerable<object[]> Options => new object[]
    {
        Augmentation.None, Augmentation.Light, Augmentation.Standard, Augmentation.Strong, Rotation(20.5f),
        Affine(5.5f, 0.1f, 0.1f, 0.9f, 1.1f, 5.5f, 5), Perspective(0.3f), ColorJitter(0.3f, 0.3f, 0.3f, 0.1f),
        Grayscale(0.3f), GaussianBlur(), Sharpness(2.5f), Posterize(5), Solarize(200), AutoContrast(0.3f),
        Equalize(0.3f), Invert(0.1f), TrivialAugmentWide(), AugMix(alpha: 0.5f), RandomCrop(), VerticalFlip(0.3f),
        RandomErasing(0.7f), MixUp(0.4f), CutMix(0.3f), FixedViews(Augmentation.Light, 3),
        FixedViews(RandomErasing(0.7f), 2), Adapter.None, Adapter.Lora(4, 0.5f, dropout: 0.3f), Strategy.HeadOnly,
        Strategy.LastStages(2, 0.7f), Strategy.From("layer1", 0.7f), Strategy.Full(0.7f), Strategy.Gradual(2, 0.7f),
        Strategy.ProbeThenFull(0.4f), Strategy.NormAndBias, Strategy.ContrastiveThenProbe(3, 0.5f),
        Optimizer.AdamW(0.05f), Optimizer.Adam(0.05f), Optimizer.Sgd(0.8f, 1e-4f),
        Optimizer.RmsProp(0.98f), Optimizer.Lion(0.1f), LearningRateSchedule.Constant(0.1f), LearningRateSchedule.Cosine(0.1f),
        LearningRateSchedule.Linear(0.1f), LearningRateSchedule.Step(3, 0.2f), LearningRateSchedule.OneCycle(0.2f),
        LearningRateSchedule.Plateau(0.2f), GradientClipping.None, GradientClipping.Norm(1.5f), GradientClipping.Value(0.5f),
        GradientClipping.Adaptive(0.02f), WeightAveraging.None, WeightAveraging.Exponential(0.99f), WeightAveraging.BestCheckpoints(3),
        WeightAveraging.WiseFt(4),
        ValidationData.None, ValidationData.Fraction(0.2f), BadRows.Throw, BadRows.Skip(0.2f), Divergence.Throw(2.5f),
        Divergence.ReturnBest(2.5f), new ConformalPrediction { Coverage = 0.875f },
        ConformalPrediction.NonconformityScore.RegularizedAdaptive(0.25f, 2),
        ConformalPrediction.NoveltyScore.NearestNeighbors(falseAlarmRate: 0.125f),
        Calibration.None, Calibration.Temperature(0.9f), ClassificationLoss.CrossEntropy(0.1f),
        ClassificationLoss.Focal(1.5f), ClassificationLoss.BinaryCrossEntropy(0.1f), RegressionLoss.SquaredError,
        RegressionLoss.AbsoluteError, ClassWeights.None, ClassWeights.Balanced, ClassWeights.Of(("I", 1.5f), ("ı", 2)),
        ClassWeights.Of(1, 2.5f), FeatureCache.None, FeatureCache.InMemory(5000), PictureCache.None, TestTimeAugmentation.None,
        TestTimeAugmentation.MultiScale(1, 1.25f), HeadPooling.Native, HeadPooling.Attention(5000), new ImagePreprocessing(),
        ColorTriple.ImageNetStd,
        RawPixels.Planar(40, 40, white: 0.5f), TrainingCheckpoint.None,
        TrainingCheckpoint.EveryInterval("folder", TimeSpan.FromSeconds(1.5)), s_options, Backbone.Micro.FromScratch(),
        Backbone.MobileNetV1(0.25f).FromScratch(),
    }.Select(option => new[] { option });

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DataRow("de-DE", "en-US")]
    [DataRow("de-DE", "")]
    [DataRow("", "ar-SA")]
    [DataRow("fa-IR", "tr-TR")]
    public void ACheckpointOfOneCultureGoesOnInAnotherToTheSameBits(string first, string second)
    {
        using var whole = SmallTraining.Fit(_ml, s_options, s_photos);
        var options = s_options with { Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 1) };
        using (new Culture(first))
        {
            var steps = 0;
            var dies = new Watcher(_ => steps = ++steps == 6 ? throw new DivideByZeroException() : steps);
            Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = dies }, s_photos));
        }
        using var culture = new Culture(second);

        using var model = SmallTraining.Fit(_ml, options, s_photos);

        Assert.IsNotNull(model.Report!.Resumed);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
    }

    [TestMethod]
    public void FixedViewsOfOneCultureAreFoundInTheOthers()
    {
        var options = SmallTraining.Options with
        {
            Strategy = Strategy.HeadOnly,
            Augmentation = FixedViews(Augmentation.Light, 2),
            FeatureCache = FeatureCache.InFolder(_folder.File("cache")),
        };
        (int, int) expected = (2 * s_photos.Length, 0);
        foreach (var name in (string[])["de-DE", .. Culture.Names])
        {
            using var culture = new Culture(name);
            using var model = SmallTraining.Fit(_ml, options, s_photos);
            var cache = model.Report!.FeatureCache!;
            Assert.AreEqual(expected, (cache.RowsComputed, cache.RowsFound), $"in {name}");
            expected = (0, 2 * s_photos.Length);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Options))]
    public void AnOptionIsWrittenTheSameInEveryCulture(object option)
    {
        var isWritten = option is not (Backbone or TestTimeAugmentation);
        var (text, json) = Culture.In("", Write);
        Assert.AreNotEqual("", text);
        Culture.Each(name => Assert.AreEqual((text, json), Write(), name));

        (string, string) Write() => (option.ToString()!, isWritten ? CanonicalJson.Of(option) : "");
    }

    [TestMethod]
    public void EveryPublicRecordWithFractionsPrintsThemTheSameInEveryCulture()
    {
        var culturesOwn = typeof(Backbone).Assembly.GetTypes()
            .Where(type => type.IsVisible && !type.IsAbstract)
            .Where(type => type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null)
            .Where(type => type.GetProperties().Any(property => HasFraction(property.PropertyType)))
            .Where(type => type.GetMethod(nameof(ToString), Type.EmptyTypes)!.IsDefined(typeof(CompilerGeneratedAttribute)))
            .Select(type => type.Name).ToList();
        Assert.IsEmpty(
            culturesOwn, $"{string.Join(", ", culturesOwn)}: what the compiler makes prints numbers as the user's culture has them. "
                + $"Print {nameof(InvariantText)}.");

        static bool HasFraction(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain
            && (plain == typeof(float) || plain == typeof(double));
    }

    [TestMethod]
    public void ManifestAndRunFolderAreTheSameInEveryCulture()
    {
        var expected = Run("");
        StringAssert.Contains(expected.Report, "MinimumArea = 0.25");
        Culture.Each(name => Assert.AreEqual(expected, Run(name), $"in '{name}'"));

        (string History, string Json, string Report, string Log) Run(string name)
        {
            using var culture = new Culture(name);
            var (ml, folder) = (new MLContext(), _folder.File("run" + name));
            var log = new LogLines(ml);
            using var model = SmallTraining.Fit(ml, s_options with { Epochs = 1, RunFolder = folder }, s_photos);
            var lines = log.All.Where(line => line.Contains("parameters train", StringComparison.Ordinal)
                || line.StartsWith("Epoch", StringComparison.Ordinal));
            return (Read("history.csv"), Read("history.json"), Read("report.html"), Untimed(string.Join('\n', lines)));

            string Read(string file) => Untimed(File.ReadAllText(Path.Combine(folder, file)));
        }
    }

    [TestMethod]
    public void AModelFileOfOneCultureIsReadInEveryOther()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var data = SmallPictures.View(_ml, s_photos);
        var expected = SmallTraining.Scores(model.Transform(data));
        using var scaled = model.WithTestTimeAugmentation(TestTimeAugmentation.MultiScale(1, 1.25f));
        var views = SmallTraining.Scores(scaled.Transform(data));
        byte[] zip;
        using (new Culture("de-DE"))
            zip = SmallTraining.Save(_ml, scaled);
        Culture.Each(name =>
        {
            using var again = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(zip), out _);
            SmallTraining.AssertSameBits(views, SmallTraining.Scores(again.Transform(data)));
            using var plain = again.WithTestTimeAugmentation(TestTimeAugmentation.None);
            SmallTraining.AssertSameBits(expected, SmallTraining.Scores(plain.Transform(data)));
        });
    }

    [TestMethod]
    public void NamesAndMetadataAreReadInEveryCulture() => Culture.Each(name =>
    {
        foreach (var published in Backbone.List())
            Assert.AreEqual(published.Name, Backbone.FromName(published.Name).Name, name);
        var preprocessing = new ImagePreprocessing { CropFraction = 0.95f, Interpolation = Interpolation.Bicubic };
        var recipe = new WeightsRecipe(preprocessing, Backbone.ConvolutionPadding.Symmetric, 1e-3);
        Assert.AreEqual(recipe, Backbone.Micro.FromScratch().Recipe.With(recipe.ToMetadata(), "file"), name);
    });

    // Without what the clock says.
    private static string Untimed(string text) => Times().Replace(text, "T");

    [GeneratedRegex("""(?<=,)[0-9.E-]+(?=\r?$)|(?<="seconds": ?)[0-9.E-]+|[0-9.]+ s\b|[0-9]+:[0-9:.]+""",
        RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Times();
}
