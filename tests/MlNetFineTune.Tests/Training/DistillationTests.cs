using System.Text;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>A whole training with a teacher.</summary>
[TestClass]
public sealed class DistillationTests
{
    private static readonly Photo[] s_photos = SmallPictures.Take(6);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("Light")]
    [DataRow("None")]
    public void AStudentWhoseLabelsAreAllWrongLearnsWhatItsTeacherSays(string augmentation)
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        Photo[] photos = [.. SmallPictures.Take(20).Select(photo => new Photo { Label = After(photo.Label), ImagePath = photo.ImagePath })];
        var options = SmallTraining.Options with
        {
            Epochs = 8,
            Augmentation = augmentation == "None" ? Augmentation.None : Augmentation.Light
        };

        using var taught = SmallTraining.Fit(_ml, options with { Distillation = Distillation.From(teacher, weight: 1) }, photos);
        using var alone = SmallTraining.Fit(_ml, options, photos);

        Assert.IsGreaterThanOrEqualTo(0.9, Agreement(taught), "what the teacher says of pictures that neither has seen");
        Assert.IsLessThan(0.2, Agreement(alone));
        Assert.IsGreaterThan(0.8, Agreement(teacher), "itself, but for its test");

        double Agreement(FineTuningTransformer model)
        {
            var test = SmallPictures.View(_ml, SmallPictures.Take(10, skip: 20));
            return SmallTraining.PredictedKeys(teacher.Transform(test))
                .Zip(SmallTraining.PredictedKeys(model.Transform(test)), (theirs, ours) => theirs == ours ? 1 : 0).Average();
        }

        static string After(string label) => SmallPictures.Classes[(Array.IndexOf(SmallPictures.Classes, label) + 1) % 3];
    }

    [TestMethod]
    public void TheClassesOfTheTeacherMayStandInAnotherOrder()
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        using var other =
            Fit(SmallTraining.Options with { Backbone = Backbone.FromModel(teacher), StopToken = new CancellationToken(canceled: true) },
                "stripes", "dots", "rings");
        CollectionAssert.AreEqual(new[] { "stripes", "dots", "rings" }, other.Classes.ToArray());

        using var first = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Distillation = Distillation.From(teacher, temperature: 1, weight: 1) }, s_photos);
        using var second = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Distillation = Distillation.From(other, temperature: 1, weight: 1) }, s_photos);

        var test = SmallPictures.View(_ml, SmallPictures.Take(5, skip: 20));
        var scores = SmallTraining.Scores(first.Transform(test));
        SmallTraining.AssertClose(scores, SmallTraining.Scores(second.Transform(test)), 1e-4f);
        Assert.IsGreaterThan(0.05, scores.Max(row => row[0]) - scores.Min(row => row[0]),
            "nothing but the teacher can have told the classes apart");
    }

    [TestMethod]
    public void WorkersDoNotChangeTheResultAndMixingGoesWithIt()
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        var options = SmallTraining.Options with
        {
            Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(), Augmentation.MixUp(0.4f), Augmentation.CutMix()),
            Task = LearningTask.Multiclass(loss: ClassificationLoss.Focal(), classWeights: ClassWeights.Of(("rings", 2))),
            Distillation = Distillation.From(teacher),
            Epochs = 1,
        };

        CollectionAssert.AreEqual(Train(options with { Workers = 1 }), Train(options with { Workers = 5 }));
    }

    [TestMethod]
    [DataRow("Light")]
    [DataRow("None")]
    public void WhatIsInterruptedGoesOnToTheSameBits(string augmentation)
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        using var other = teacher.WithHalfPrecisionWeights();
        var folder = SmallPictures.NewFolder();
        var options = SmallTraining.Options with
        {
            Epochs = 3,
            Distillation = Distillation.From(teacher),
            Augmentation = augmentation == "None" ? Augmentation.None : Augmentation.Light
        };
        var expected = Train(options);
        using var source = new CancellationTokenSource();
        var watcher = new Watcher(progress =>
        {
            if (progress is { Activity: TrainingActivity.Training, Epoch: 2, Rows: > 8 })
                source.Cancel();
        });
        options = options with { Checkpoint = TrainingCheckpoint.EverySteps(folder, 1) };
        Assert.Throws<OperationCanceledException>(() => Train(options with { Progress = watcher, CancellationToken = source.Token }));

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Train(options with { Distillation = Distillation.From(other) }));
        StringAssert.Contains(error.Message, "Weights of the teacher was ");
        error = Assert.ThrowsExactly<InvalidOperationException>(
            () => Train(options with { Distillation = Distillation.From(teacher, temperature: 2) }));
        StringAssert.Contains(error.Message, ": Distillation.SoftTargets.Temperature was 4 and is 2. ");
        CollectionAssert.AreEqual(expected, Train(options));
    }

    [TestMethod]
    public void TheModelSaysWhoTaughtItAndTheTeacherStaysAsItWas()
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        using var half = teacher.WithHalfPrecisionWeights();
        var test = SmallPictures.View(_ml, SmallPictures.Take(5, skip: 20));
        foreach (var model in (FineTuningTransformer[])[teacher, half])
        {
            var (before, zip) = (SmallTraining.Scores(model.Transform(test)), SmallTraining.Save(_ml, model));
            var folder = SmallPictures.NewFolder();

            using var student = SmallTraining.Fit(
                _ml, SmallTraining.Options with
                {
                    Epochs = 1,
                    Distillation = Distillation.From(model, temperature: 3, weight: 0.5f),
                    RunFolder = folder
                }, s_photos);

            var sha = Manifest(zip).GetProperty("WeightsSha256").GetString()!;
            Assert.AreEqual(("micro", sha), student.Report!.Distillation);
            var saved = SmallTraining.Save(_ml, student);
            Assert.AreEqual(sha, Manifest(saved).GetProperty("Distillation").Text("WeightsSha256"));
            Assert.AreEqual("From(micro, temperature: 3, weight: 0.5)", Manifest(saved).GetProperty("Options").Text("Distillation"));
            CollectionAssert.AreEquivalent(Zip.Read(zip).Keys.ToArray(), Zip.Read(saved).Keys.ToArray());
            StringAssert.Contains(File.ReadAllText(Path.Combine(folder, "report.html")), sha);
            SmallTraining.AssertSameBits(before, SmallTraining.Scores(model.Transform(test)));
            using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(saved), out _);
            SmallTraining.AssertSameBits(SmallTraining.Scores(student.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        }

        static JsonElement Manifest(byte[] zip) =>
            JsonDocument.Parse(Encoding.UTF8.GetString(Zip.Entry(zip, "manifest.json"))).RootElement.Clone();
    }

    [TestMethod]
    public void ATeacherOfAnotherSizeIsShownResampledPicturesAndTheLogSaysSo()
    {
        var large = SmallTraining.Options with
        {
            Backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } },
            Epochs = 1
        };
        using var teacher = SmallTraining.Fit(_ml, large, s_photos);
        var log = new LogLines(_ml);

        Train(SmallTraining.Options with { Epochs = 1, Distillation = Distillation.From(teacher) });

        StringAssert.Contains(log.ToString(), "pictures of 32 pixels are resampled to 48 for it");
    }

    [TestMethod]
    public void AModelTeachesWhatIsLeftOfItWhenItIsPruned()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var options = SmallTraining.Options with
        {
            Backbone = Backbone.FromModel(model).Prune(0.5f),
            Distillation = Distillation.From(model, weight: 1),
            Epochs = 4
        };
        Photo[] unsorted = [.. SmallPictures.Take(15)
            .Select((photo, index) => new Photo { Label = SmallPictures.Classes[index / 3 % 3], ImagePath = photo.ImagePath })];

        using var smaller = SmallTraining.Fit(_ml, options, unsorted);

        Assert.IsLessThan(SmallTraining.WeightsOf(model).Length, SmallTraining.WeightsOf(smaller).Length);
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10, skip: 20)));
        Assert.IsGreaterThanOrEqualTo(
            0.9, _ml.MulticlassClassification.Evaluate(smaller.Transform(test)).MicroAccuracy,
            "it learns from the whole model, not from labels that say nothing");
    }

    [TestMethod]
    public void AChainTeachesToo()
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 1 }));
        using var chain = pipeline.Fit(SmallPictures.View(_ml, s_photos));

        CollectionAssert.AreEqual(Train(SmallTraining.Options with { Distillation = Distillation.From(chain) }),
            Train(SmallTraining.Options with { Distillation = Distillation.From(chain.LastTransformer) }));
    }

    [TestMethod]
    public void OtherClassesAreNamed()
    {
        using var teacher = SmallTraining.LoadModel(_ml);
        var options = SmallTraining.Options with { Distillation = Distillation.From(teacher) };

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options, "dots", "rings", "circles", "squares"));

        StringAssert.Contains(error.Message, "Only the teacher knows 'stripes'; only 'Label' has 'circles', 'squares'. "
            + "Train the teacher on the same classes");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options, "dots", "rings")).Message,
            "Only the teacher knows 'stripes'; only 'Label' has none.");
        var numbers = _ml.Data.LoadFromEnumerable(s_photos.Select(photo => new Numbered { Label = 1, ImagePath = photo.ImagePath }));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(numbers)).Message,
                "the label of the teacher has key values, and 'Label' has no key values");
    }

    [TestMethod]
    public void WhatCannotTeachIsRefusedBeforeAnyDataAreRead()
    {
        var view = SmallPictures.View(_ml, s_photos);
        var mapping = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Distillation.From(mapping)).Message,
            "A teacher is one fine-tuned network, but ValueToKeyMappingTransformer has none");
        var teacher = SmallTraining.LoadModel(_ml);
        Assert.Throws<ArgumentOutOfRangeException>(() => Distillation.From(teacher, temperature: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Distillation.From(teacher, weight: 0));
        var options = SmallTraining.Options with { Distillation = Distillation.From(teacher) };

        var grey = options with { Backbone = SmallTraining.Backbone with { InputChannels = 1 } };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(grey)).Message,
            "the teacher (micro) sees colours and the student (micro) luminance: give the student's backbone InputChannels = 3");
        teacher.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => Train(options));
    }

    [TestMethod]
    public void ATeacherThatIsDisposedInTheMiddleEndsTheTraining()
    {
        var teacher = SmallTraining.LoadModel(_ml);
        var options = SmallTraining.Options with
        {
            Augmentation = Augmentation.Light,
            Distillation = Distillation.From(teacher),
            Progress = new Watcher(_ => teacher.Dispose())
        };

        Assert.ThrowsExactly<ObjectDisposedException>(() => Train(options));
    }

    private byte[] Train(ImageFineTuningOptions options)
    {
        using var model = SmallTraining.Fit(_ml, options, s_photos);
        return SmallTraining.WeightsOf(model);
    }

    // With the classes numbered as they stand here.
    private FineTuningTransformer Fit(ImageFineTuningOptions options, params string[] classes)
    {
        var data = SmallPictures.View(_ml, s_photos);
        var names = _ml.Data.LoadFromEnumerable(classes.Select(name => new Photo { Label = name }));
        var keyed = _ml.Transforms.Conversion.MapValueToKey(
            "Label", keyData: _ml.Transforms.SelectColumns("Label").Fit(names).Transform(names),
            keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence).Fit(data).Transform(data);
        return _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(keyed);
    }

    private sealed class Numbered
    {
        [KeyType(3)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
