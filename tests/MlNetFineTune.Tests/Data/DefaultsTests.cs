using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;

namespace MlNetFineTune.Tests.Data;

/// <summary>A default that changes is a change of what users' code does: it must be changed here as well.</summary>
[TestClass]
public sealed class DefaultsTests
{
    private static readonly ImageFineTuningOptions s_defaults = new() { Backbone = Backbone.Micro.FromScratch() };

    [TestMethod]
    public void EveryOptionHasTheDocumentedDefault()
    {
        var actual = string.Join('\n', typeof(ImageFineTuningOptions).GetProperties()
            .Where(
                p => p.Name is not (nameof(ImageFineTuningOptions.Workers) or nameof(ImageFineTuningOptions.StopToken)
                or nameof(ImageFineTuningOptions.CancellationToken)))
            .OrderBy(p => p.Name, StringComparer.Ordinal)
            .Select(p => FormattableString.Invariant($"{p.Name} = {p.GetValue(s_defaults) ?? "null"}")));
        const string crop = "RandomResizedCrop { MinimumArea = 0.08, MaximumArea = 1, MinimumRatio = 0.75, MaximumRatio = 1.3333334 }";
        Assert.AreEqual($$"""
            AccumulationSteps = 1
            ActivationCheckpointing = False
            Adapter = None
            Augmentation = {{crop}} + HorizontalFlip { Probability = 0.5 }
            Backbone = micro (random weights)
            BadRows = Throw
            BatchNorm = ByStrategy
            BatchSize = 16
            Checkpoint = None
            Conformal = null
            Distillation = None
            EarlyStoppingPatience = null
            Epochs = 10
            ExampleWeightColumnName = null
            FeatureCache = InMemory(1024)
            FrozenEngine = LibTorch
            GradientClipping = None
            ImageColumnName = ImagePath
            ImageFolder = null
            ImageStatusColumnName = null
            LabelColumnName = Label
            LearningRate = 0.001
            Metric = null
            MissingPictures = Refuse
            Mlflow = null
            OnDivergence = Throw(spikeFactor: 10)
            OnProbeMismatch = Warn
            Optimizer = AdamW(weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1E-08)
            PictureCache = None
            Pooling = Native
            Precision = Float32
            PredictedLabelColumnName = PredictedLabel
            ProbabilityColumnName = Probability
            Processes = Single
            Progress = null
            ProgressiveResizing = null
            RawPixels = null
            RunFolder = null
            Sampling = Shuffled
            Schedule = Cosine(warmup: 0.05)
            ScoreColumnName = Score
            Seed = null
            Strategy = Full(layerDecay: 0.7)
            TableColumns = MlNetFineTune.ModuleInput[]
            TableFeatures = 32
            Task = null
            TestTimeAugmentation = None
            TimeBudget = null
            Validation = Fraction(0.2)
            WeightAveraging = None
            """.ReplaceLineEndings("\n"), actual);
        Assert.AreEqual(
            "Multiclass(loss: CrossEntropy(smoothing: 0), classWeights: None, calibration: None)", LearningTask.Multiclass().ToString());
        Assert.AreEqual(Math.Min(Environment.ProcessorCount, 16), s_defaults.Workers);
        Assert.IsFalse(s_defaults.StopToken.CanBeCanceled || s_defaults.CancellationToken.CanBeCanceled);
    }

    [TestMethod]
    public void EveryChoiceHasTheDocumentedDefault()
    {
        Assert.AreEqual("LastStages(2, layerDecay: 0.7)", Strategy.LastStages(2).ToString());
        Assert.AreEqual("Lora(rank: 8, alpha: 16, targets: [*], dropout: 0)", Adapter.Lora().ToString());
        Assert.AreEqual("Gradual(epochsEach: 1, layerDecay: 0.7)", Strategy.Gradual().ToString());
        Assert.AreEqual("ProbeThenFull(probe: 0.5, probeRate: 3, fullRate: 0.3, layerDecay: 0.7)", Strategy.ProbeThenFull().ToString());
        Assert.AreEqual(
            "ContrastiveThenProbe(20, encoderRate: 0.02, probeRate: 3, layerDecay: 1)", Strategy.ContrastiveThenProbe().ToString());
        Assert.AreEqual("HeadOnly", Strategy.HeadOnly.ToString());
        Assert.AreEqual("Sgd(momentum: 0.9, weightDecay: 0.0001, nesterov: True)", Optimizer.Sgd().ToString());
        Assert.AreEqual("Skip(0.1)", FormattableString.Invariant($"{BadRows.Skip()}"));
        Assert.AreEqual("mobilenetv1_100", Backbone.MobileNetV1().Name);
        var preprocessing = new ImagePreprocessing();
        Assert.AreEqual((224, 0.875f, Interpolation.Bilinear),
            (preprocessing.Size, preprocessing.CropFraction, preprocessing.Interpolation));
        Assert.AreEqual((new ColorTriple(0.485f, 0.456f, 0.406f), new ColorTriple(0.229f, 0.224f, 0.225f)),
            (preprocessing.Mean, preprocessing.Std));
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefusedWhereTheyAreSaid()
    {
        Refuses(() => s_defaults with { Epochs = 0 }, "Epochs");
        Refuses(() => s_defaults with { BatchSize = -1 }, "BatchSize");
        Refuses(() => s_defaults with { Workers = 0 }, "Workers");
        Refuses(() => s_defaults with { EarlyStoppingPatience = 0 }, "EarlyStoppingPatience");
        Refuses(() => FeatureCache.InMemory(0), "megabytes");
        Refuses(() => PictureCache.InFolder("pictures", 0), "longestSide");
        Refuses(() => PictureCache.InFolder("pictures", 4097), "longestSide");
        foreach (var rate in new[] { 0, -1, float.NaN, float.PositiveInfinity })
            Refuses(() => s_defaults with { LearningRate = rate }, "The learning rate must be above 0.");
        foreach (var smoothing in new[] { -0.1f, 1, float.NaN })
            Refuses(() => ClassificationLoss.CrossEntropy(smoothing), "Label smoothing must be at least 0 and below 1.");
        foreach (var decay in new[] { 0, 1.1f, float.NaN })
        {
            Refuses(() => Strategy.Full(decay), "The layer decay must be above 0 and at most 1.");
            Refuses(() => Strategy.LastStages(1, decay), "The layer decay must be above 0 and at most 1.");
        }

        Refuses(() => Strategy.LastStages(0), "count");
        Refuses(() => Optimizer.AdamW(weightDecay: -1), "The weight decay must be 0 or above.");
        Refuses(() => Optimizer.AdamW(beta1: 1), "beta1 must be at least 0 and below 1.");
        Refuses(() => Optimizer.AdamW(beta2: -0.1f), "beta2 must be at least 0 and below 1.");
        Refuses(() => Optimizer.AdamW(epsilon: 0), "Epsilon must be above 0.");
        Refuses(() => Optimizer.Sgd(momentum: 1), "momentum must be at least 0 and below 1.");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Optimizer.Sgd(momentum: 0)).Message, "needs momentum");
        foreach (var fraction in new[] { 0, 1, float.NaN })
            Refuses(() => ValidationData.Fraction(fraction), "The validation fraction must be above 0 and below 1.");
        Refuses(() => BadRows.Skip(0), "The fraction must be above 0 and at most 1.");
        Refuses(() => Backbone.MobileNetV1(0.05f), "between 0.1 and 4");
        Refuses(() => new ImagePreprocessing { Size = 31 }, "Size");
        Refuses(() => new ImagePreprocessing { Size = 4097 }, "Size");
        Refuses(() => new ImagePreprocessing { CropFraction = 1.1f }, "above 0 and at most 1");
        Refuses(() => new ImagePreprocessing { Std = new(1, 0, 1) }, "must be above 0");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => new ImageFineTuningOptions { Backbone = Backbone.ResNet18 }).Message, ".FromScratch()");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Augmentation.Sequence(Augmentation.None)).Message,
            "at least one operation");
    }

    private static void Refuses(Func<object> make, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
}
