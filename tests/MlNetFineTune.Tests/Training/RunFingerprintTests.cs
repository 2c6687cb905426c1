using System.Reflection;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// A checkpoint identifies its training by everything that changes the weights: no option is missing, and a custom rule is identified by
/// its values.
/// </summary>
[TestClass]
public sealed class RunFingerprintTests : IDisposable
{
    private static readonly ImageFineTuningOptions s_images = SmallTraining.Options;

    private static readonly Photo[] s_photos = SmallPictures.Take(4);

    // A new option must be added here, or the library must state why it is not in the fingerprint.
    private static Dictionary<string, Func<FineTuningOptions, FineTuningOptions>> Changes(ITransformer teacher) =>
        new(StringComparer.Ordinal)
        {
            ["AccumulationSteps"] = options => options with { AccumulationSteps = 2 },
            ["BadRows"] = options => options with { BadRows = BadRows.Skip(0.2f) },
            ["BatchSize"] = options => options with { BatchSize = 3 },
            ["EarlyStoppingPatience"] = options => options with { EarlyStoppingPatience = 3 },
            ["Precision"] = options => options with { Precision = Precision.BFloat16 },
            ["FrozenEngine"] = options => options with { FrozenEngine = FrozenEngine.OnnxRuntime },
            ["Epochs"] = options => options with { Epochs = 33 },
            ["GradientClipping"] = options => options with { GradientClipping = GradientClipping.Norm(0.5f) },
            ["LearningRate"] = options => options with { LearningRate = 0.123f },
            ["Optimizer"] = options => options with { Optimizer = Optimizer.Sgd(0.8f) },
            ["Sampling"] = options => options with { Sampling = Sampling.Balanced },
            ["Schedule"] = options => options with { Schedule = LearningRateSchedule.Cosine(0.06f) },
            ["Validation"] = options => options with { Validation = ValidationData.Fraction(0.3f) },
            ["WeightAveraging"] = options => options with { WeightAveraging = WeightAveraging.Exponential(0.9f) },
            ["Adapter"] = options => options with { Adapter = Adapter.Lora(2) },
            ["Augmentation"] = options => options with { Augmentation = Augmentation.ColorJitter(0.3f) },
            ["Distillation"] = options => options with { Distillation = Distillation.From(teacher) },
            ["PictureCache"] = options => (ImageFineTuningOptions)options with { PictureCache = PictureCache.InFolder("pictures", 48) },
            ["ProgressiveResizing"] = options => (ImageFineTuningOptions)options with { ProgressiveResizing = new() { Size = 33 } },
            ["Pooling"] = options => (ImageFineTuningOptions)options with { Pooling = HeadPooling.Attention(4) },
            ["RawPixels"] = options => (ImageFineTuningOptions)options with { RawPixels = RawPixels.Planar(32, 32) },
            ["TableColumns"] = options => (ImageFineTuningOptions)options with { TableColumns = ["Weight"] },
            ["TableFeatures"] = options => (ImageFineTuningOptions)options with { TableFeatures = 7 },
            ["MissingPictures"] = options => (ImageFineTuningOptions)options with { MissingPictures = MissingPictures.Allow },
            ["Factory"] = options => (ModuleFineTuningOptions)options with { Factory = new TwoLayersFactory { Dropout = 0.123 } },
            ["Inputs"] = options => (ModuleFineTuningOptions)options with { Inputs = [ModuleInput.Column("Features", 2, 3)] },
            ["MaximumLength"] = options => (TextFineTuningOptions)options with { MaximumLength = 23 },
            ["Truncation"] = options => (TextFineTuningOptions)options with { Truncation = TextTruncation.KeepEnd },
            ["MaxTokens"] = options => (TextFineTuningOptions)options with { MaxTokens = 1000 },
            ["Task"] = options => options with
            {
                Task = options.TaskInForce is RegressionTask
                ? LearningTask.Regression(RegressionLoss.AbsoluteError)
                : options.TaskInForce is BinaryTask ? LearningTask.Binary(ClassWeights.Of(1, 1.5f))
                : LearningTask.Multiclass(ClassificationLoss.Focal(1.5f))
            },
            ["Metric"]
        = options => options with { Metric = options.TaskInForce is RegressionTask ? Metric.RootMeanSquaredError : Metric.Accuracy },
        };

    private readonly MLContext _ml = new();
    private readonly Folder _folder = new();

    public static IEnumerable<object[]> Kinds =>
        new FineTuningOptions[] { s_images, SmallModules.Multiclass, SmallModules.Binary, SmallModules.Regression, SmallTexts.Options }
            .Select(options => new object[] { $"{options.GetType().Name} {options.TaskInForce.Name}", options });

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void EveryOptionIsInTheFingerprintOrSaysWhyItIsNot(string kind, FineTuningOptions options)
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        var changes = Changes(teacher);
        var before = RunFingerprint.Of(options);
        foreach (var property in options.GetType().GetProperties())
        {
            if (property.GetCustomAttribute<NotInFingerprintAttribute>() is { } left)
            {
                Assert.AreNotEqual("", left.Reason);
                Assert.IsFalse(before.ContainsKey(property.Name), $"{kind}.{property.Name}");
                continue;
            }
            Assert.IsTrue(
                changes.TryGetValue(property.Name, out var change),
                $"{kind}.{property.Name} is new: say how it changes the fingerprint, or mark it in the library.");
            var changed = change!(options);
            StringAssert.StartsWith(FingerprintDifference.Of(before, RunFingerprint.Of(changed)), property.Name, $"{kind}.{property.Name}");
            Assert.IsNull(
                FingerprintDifference.Of(RunFingerprint.Of(changed), RunFingerprint.Of(change(options))),
                $"{kind}.{property.Name}: the same once more");
        }
    }

    [TestMethod]
    public void WhatIsLeftOutIsKnown() => CollectionAssert.AreEqual(
        new[]
        {
            "ActivationCheckpointing", "Backbone", "BatchNorm", "CancellationToken", "Checkpoint", "Conformal",
            "ExampleWeightColumnName", "FeatureCache",
            "ImageColumnName", "ImageFolder", "ImageStatusColumnName", "LabelColumnName", "Mlflow", "OnDivergence",
            "OnProbeMismatch",
            "PredictedLabelColumnName", "ProbabilityColumnName", "Processes", "Progress", "RunFolder", "ScoreColumnName",
            "SecondTextColumnName",
            "Seed", "StopToken", "Strategy",
            "TestTimeAugmentation", "TextColumnName", "TimeBudget", "WeightsFile", "Workers",
        },
        Kinds.SelectMany(kind => kind[1].GetType().GetProperties()).Where(property => property.IsDefined(typeof(NotInFingerprintAttribute)))
            .Select(property => property.Name).Distinct().Order(StringComparer.Ordinal).ToArray());

    [TestMethod]
    public void ARuleOfTheUsersIsKnownByWhatItSaysOfEachParameter()
    {
        Interrupt(Strategy.Custom(_ => 0.5f));

        var slower = Refused(Strategy.Custom(name => name == "layer1.0.conv1.weight" ? 0.25f : 0.5f));
        StringAssert.Contains(slower, "Plan[0].LearningRateScales.layer1.0.conv1.weight was 0.5 and is 0.25. ");
        var frozen = Refused(Strategy.Custom(name => name == "fc.bias" ? 0 : 0.5f));
        StringAssert.Contains(frozen, "Plan[0].LearningRateScales.fc.bias was 0.5 and is 0. ");
        var all = Refused(Strategy.Custom(_ => 0.25f));
        StringAssert.Contains(all, "Plan[0].LearningRateScales.bn1.bias was 0.5 and is 0.25; ");
        StringAssert.Contains(all, " more. ");
        GoesOn(Strategy.Custom(name => name.Length > 0 ? 0.5f : 1));
    }

    [TestMethod]
    public void WhatCountsIsThePlanAndNotHowItIsSaid()
    {
        Interrupt(Strategy.Full(layerDecay: 1));

        StringAssert.Contains(Refused(Strategy.Full(layerDecay: 0.9f)), "Plan[0].LearningRateScales.bn1.bias was 1 and is ");
        StringAssert.Contains(Refused(Strategy.ProbeThenFull()), "Plan was [PlannedPhase(Augments: true, BatchNorm: Train, Epochs: 2, ");
        GoesOn(Strategy.Custom(_ => 1));
    }

    [TestMethod]
    public void AStageThatIsDrawnAnewIsPartOfTheNetwork()
    {
        Interrupt(Strategy.Full(1));
        var options = Options(Strategy.Full(1)) with { Backbone = SmallTraining.Backbone.ReinitializeStage("layer3") };
        var message = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, options, s_photos)).Message;
        StringAssert.Contains(message, "Network.ChangedStages was none and is [StageManifest(Module: none, Stage: layer3)]");
    }

    [TestMethod]
    public void WhatCannotBeWrittenDownIsAnErrorAndNeverAnEqualText()
    {
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => CanonicalJson.Of(Strategy.Custom(_ => 1))).Message,
            "System.Func");
        Assert.ThrowsExactly<NotSupportedException>(() => CanonicalJson.Of(new Version(1, 0)));
        Assert.AreEqual(CanonicalJson.Of(ClassWeights.Of(("a", 1), ("b", 2))), CanonicalJson.Of(ClassWeights.Of(("b", 2), ("a", 1))),
            "in any order");
        Assert.AreEqual("""{"type":"ColorJitter","Brightness":0.3,"Contrast":0,"Hue":0.1,"Saturation":0}""",
            CanonicalJson.Of(Augmentation.ColorJitter(0.3f, hue: 0.1f)));
        Assert.AreEqual("""{"type":"CosineSchedule","Warmup":0.05}""", CanonicalJson.Of(LearningRateSchedule.Cosine()));
        Assert.AreEqual("""{"type":"LoraAdapter","alpha":16,"dropout":0,"rank":8,"targets":"*"}""", CanonicalJson.Of(Adapter.Lora()));
        Assert.AreEqual("\"NaN\"", CanonicalJson.Of(double.NaN));
    }

    [TestMethod]
    public void ACheckpointOfAnEarlierVersionIsRefusedWithAdvice()
    {
        Interrupt(Strategy.Full(1));
        var path = Directory.GetFiles(_folder.File("checkpoints"), "*.safetensors").Order(StringComparer.Ordinal).Last();
        CheckpointState state;
        using (var file = CheckpointFile.Open(path))
            state = file.State;
        CheckpointFile.Write(path, state with { FormatVersion = 1 }, []);

        var message = Refused(Strategy.Full(1));

        StringAssert.Contains(message, "format version 1; this version of the library knows 3. "
            + "Delete it to train anew, or choose another folder.");
    }

    private ImageFineTuningOptions Options(Strategy strategy) =>
        s_images with { Strategy = strategy, Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 1) };

    private void Interrupt(Strategy strategy)
    {
        var steps = 0;
        var dies = new Watcher(_ => steps = ++steps == 3 ? throw new DivideByZeroException() : steps);
        Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, Options(strategy) with { Progress = dies }, s_photos));
    }

    private string Refused(Strategy strategy) =>
        Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, Options(strategy), s_photos)).Message;

    private void GoesOn(Strategy strategy)
    {
        using var model = SmallTraining.Fit(_ml, Options(strategy), s_photos);
        Assert.IsNotNull(model.Report!.Resumed);
    }
}
