using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>Selection of the validation rows, and the effects of the validation.</summary>
[TestClass]
public sealed class ValidationTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _train = SmallPictures.Take(8);
    private readonly Photo[] _other = [.. SmallPictures.Take(8, skip: 20).Take(23)]; // uneven batches of 8

    [TestMethod]
    public void ValidationIsOverAllRowsAsMlNetCountsThem()
    {
        using var model = SmallTraining.Fit(_ml, Options(View(_other)) with { Epochs = 3 }, _train);

        AssertBestEpochIsTheModel(model, _other);
        Assert.AreEqual(23, model.Report!.ValidationRows);
        Assert.AreEqual(24, model.Report.TrainingRows);
        Assert.AreEqual(model.Report.Epochs.Min(epoch => epoch.ValidationLoss),
            model.Report.Epochs[model.Report.BestEpoch - 1].ValidationLoss);
    }

    [TestMethod]
    public void TheBestEpochIsRestoredWhenLaterOnesAreWorse()
    {
        // Labels turned about: the better the network gets, the worse it looks.
        var wrong =
            _other.Select(
                photo => new Photo
                {
                    Label = SmallPictures.Classes[(Array.IndexOf(SmallPictures.Classes, photo.Label) + 1) % 3],
                    ImagePath = photo.ImagePath
                }).ToArray();
        using var model = SmallTraining.Fit(_ml, Options(View(wrong)) with { Epochs = 5 }, _train);
        using var stopped = SmallTraining.Fit(_ml, Options(View(wrong)) with { Epochs = 5, EarlyStoppingPatience = 1 }, _train);

        Assert.IsLessThan(5, model.Report!.BestEpoch);
        Assert.AreEqual(TrainingReport.EndReason.Completed, model.Report.End);
        Assert.HasCount(5, model.Report.Epochs);
        AssertBestEpochIsTheModel(model, wrong);
        Assert.AreEqual(TrainingReport.EndReason.EarlyStopped, stopped.Report!.End);
        Assert.HasCount(stopped.Report.BestEpoch + 1, stopped.Report.Epochs);
        AssertBestEpochIsTheModel(stopped, wrong);
    }

    [TestMethod]
    public void ASetOfTextLabelsOrOfKeysNumberedOtherwiseJudgesTheSame()
    {
        var text = View(_other);
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(View([.. _other.Reverse()])).Transform(text);
        using var model = SmallTraining.Fit(_ml, Options(text), _train);
        using var other = SmallTraining.Fit(_ml, Options(keyed), _train);

        CollectionAssert.AreEqual(model.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray(),
            other.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray());
        CollectionAssert.AreNotEqual(
            SmallTraining.PredictedKeys(keyed, "Label"), SmallTraining.PredictedKeys(SmallTraining.WithKeys(_ml, text), "Label"),
            "The keys are not numbered otherwise.");
    }

    [TestMethod]
    public void LabelsOfNumbersAreMatchedByValue()
    {
        var train = _ml.Data.LoadFromEnumerable(_train.Select(Number).ToArray());
        var plain = _ml.Data.LoadFromEnumerable(_other.Select(Number).ToArray());
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Fit(_ml.Data.LoadFromEnumerable(_other.Select(Number).Reverse().ToArray())).Transform(plain);
        foreach (var set in (IDataView[])[plain, keyed])
        {
            using var model = _ml.Transforms.Conversion.MapValueToKey("Label")
                .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(Options(set))).Fit(train);
            var report = model.LastTransformer.Report!;
            Assert.AreEqual(_ml.MulticlassClassification.Evaluate(model.Transform(plain)).MicroAccuracy,
                report.Epochs[report.BestEpoch - 1].ValidationAccuracy!.Value, 1e-9);
        }

        static NumberedPhoto Number(Photo photo) =>
            new() { Label = 10 - Array.IndexOf(SmallPictures.Classes, photo.Label), ImagePath = photo.ImagePath };
    }

    [TestMethod]
    public void ALabelThatTrainingDoesNotKnowIsAnErrorThatNamesItAndThoseItKnows()
    {
        var unknown = View([.. _other, new Photo { Label = "squares", ImagePath = _other[0].ImagePath }]);
        foreach (var set in (IDataView[])[unknown, _ml.Transforms.Conversion.MapValueToKey("Label").Fit(unknown).Transform(unknown)])
        {
            var error = Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(_ml, Options(set), _train));

            StringAssert.Contains(error.Message, "'squares'");
            StringAssert.Contains(error.Message, "dots, rings, stripes");
        }
    }

    [TestMethod]
    public void LabelsOfAnotherTypeAreMatchedByTextAndTheLogSaysSo()
    {
        var log = new LogLines(_ml);
        var numbers = _ml.Data.LoadFromEnumerable(
            _train.Select(
                photo => new NumberedPhoto { Label = 10 + Array.IndexOf(SmallPictures.Classes, photo.Label), ImagePath = photo.ImagePath })
            .ToArray());
        var train = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(numbers).Transform(numbers);
        var texts =
            View(
                [.. _other.Select(
                photo => new Photo { Label = $"{10 + Array.IndexOf(SmallPictures.Classes, photo.Label)}", ImagePath = photo.ImagePath })]);
        foreach (var set in (IDataView[])[texts, _ml.Transforms.Conversion.MapValueToKey("Label").Fit(texts).Transform(texts)])
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(Options(set)).Fit(train);
            Assert.AreEqual(23, model.Report!.ValidationRows);
        }
        Assert.AreEqual(
            2,
            log.All.Count(line => line == "Column 'Label' of the validation data holds String, and the training label Int32: "
                + "all labels were matched by their text."), log.ToString());

        var others =
            View(
                [.. _other.Select(photo => new Photo { Label = photo.Label == "dots" ? "10" : photo.Label, ImagePath = photo.ImagePath })]);
        foreach (var set in (IDataView[])[others, _ml.Transforms.Conversion.MapValueToKey("Label").Fit(others).Transform(others)])
        {
            var error = Assert.Throws<InvalidOperationException>(
                () => _ml.MulticlassClassification.Trainers.FineTuneImages(Options(set)).Fit(train));
            StringAssert.Contains(error.Message, "do not know: 'rings', 'stripes'. They know: 10, 11, 12. "
                + "Labels of String were looked for among values of Int32 by their text");
        }
    }

    [TestMethod]
    public void LabelsThatAreNoKeyCannotBeMatchedWithAKeyWithoutValues()
    {
        var nameless = _ml.Data.LoadFromEnumerable(
            _train.Select((photo, i) => new NamelessPhoto { Label = (uint)(i % 3), ImagePath = photo.ImagePath }).ToArray());
        var reader = new CountingView(nameless);
        var texts = View([.. _other.Select(photo => new Photo { Label = "1", ImagePath = photo.ImagePath })]);

        var error = Assert.Throws<InvalidOperationException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(Options(texts)).Fit(reader));

        StringAssert.Contains(error.Message, "is no key (String), and the training label has no key values");
        Assert.AreEqual(0, reader.Cursors);
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(Options(nameless)).Fit(nameless);
        Assert.AreEqual(24, model.Report!.ValidationRows);
    }

    [TestMethod]
    public void AKeyWithoutValuesCannotBeMatchedAndSaysSo()
    {
        var nameless = _ml.Data.LoadFromEnumerable(
            _other.Select((photo, i) => new NamelessPhoto { Label = (uint)(i % 3), ImagePath = photo.ImagePath }));

        var error = Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(_ml, Options(nameless), _train));

        StringAssert.Contains(error.Message, "has no key values");
    }

    [TestMethod]
    public void RowsOfTheSetWithoutALabelAreLeftOut()
    {
        using var model = SmallTraining.Fit(_ml, Options(View([.. _other, new Photo { Label = "", ImagePath = "no such file" }])), _train);

        Assert.AreEqual(23, model.Report!.ValidationRows);
        Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(_ml, Options(View([])), _train));
    }

    [TestMethod]
    public void AnImageColumnValidatesOnTheImageColumnOfTheSet()
    {
        var options = Options(Images(_other)) with { ImageColumnName = "Image" };

        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(SmallTraining.WithKeys(_ml, Images(_train)));

        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(SmallTraining.WithKeys(_ml, Images(_other))));
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.AreEqual(metrics.MicroAccuracy, best.ValidationAccuracy!.Value, 1e-9);
        Assert.AreEqual(metrics.LogLoss, best.ValidationLoss!.Value, 1e-4);

        IDataView Images(Photo[] photos) => _ml.Transforms.LoadImages("Image", "", "ImagePath").Fit(View(photos)).Transform(View(photos));
    }

    [TestMethod]
    public void AFractionTakesTheSameShareOfEveryClass()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Validation = ValidationData.Fraction(0.25f), Epochs = 1 }, _train);

        Assert.AreEqual(18, model.Report!.TrainingRows);
        Assert.AreEqual(6, model.Report.ValidationRows);
        var error = Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(
            _ml, SmallTraining.Options with { Validation = ValidationData.Fraction(0.25f) }, _train.Take(3)));
        StringAssert.Contains(error.Message, "ValidationData.None");
    }

    [TestMethod]
    public void RowsOfOneGroupStayTogether()
    {
        // Six groups, each with two pictures of every class.
        var rows = SmallPictures.Take(12)
            .Select((photo, i) => new GroupedPhoto { Label = photo.Label, ImagePath = photo.ImagePath, Serial = $"part {i / 6}" })
            .ToArray();
        foreach (var keyed in (bool[])[false, true])
        {
            var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
            if (keyed)
                view = _ml.Transforms.Conversion.MapValueToKey("Serial").Fit(view).Transform(view);

            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { Epochs = 1, Validation = ValidationData.Fraction(0.3f, "Serial") }).Fit(view);

            Assert.AreEqual(12, model.Report!.ValidationRows, "Two groups of six are the nearest to 0.3 of 36 rows.");
            Assert.AreEqual(24, model.Report.TrainingRows);
        }
    }

    [TestMethod]
    public void WithoutValidationAllRowsTrainAndTheLastEpochIsKept()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options, _train);

        Assert.AreEqual(24, model.Report!.TrainingRows);
        Assert.AreEqual(0, model.Report.ValidationRows);
        Assert.AreEqual(2, model.Report.BestEpoch);
        Assert.IsTrue(model.Report.Epochs.All(epoch => epoch.ValidationLoss is null && epoch.ValidationAccuracy is null));
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { EarlyStoppingPatience = 1 }));
        StringAssert.Contains(error.Message, "needs validation");
    }

    [TestMethod]
    public void LabelSmoothingSgdAndAConstantScheduleTrain()
    {
        var options = SmallTraining.Options with
        {
            Epochs = 6,
            LearningRate = 0.02f,
            Optimizer = Optimizer.Sgd(),
            Schedule = LearningRateSchedule.Constant()
        };
        using var plain = SmallTraining.Fit(_ml, options, _train);
        using var smooth = SmallTraining.Fit(
            _ml, options with { Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(smoothing: 0.2f)) }, _train);

        foreach (var model in (FineTuningTransformer[])[plain, smooth])
        {
            Assert.IsLessThan(model.Report!.Epochs[0].Loss, model.Report.Epochs[^1].Loss);
            Assert.AreEqual(0.02, model.Report.Epochs[^1].LearningRate, 1e-6);
        }
        Assert.IsGreaterThan(plain.Report!.Epochs[^1].Loss, smooth.Report!.Epochs[^1].Loss);
    }

    private void AssertBestEpochIsTheModel(FineTuningTransformer model, Photo[] rows)
    {
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(SmallTraining.WithKeys(_ml, View(rows))));
        Assert.AreEqual(metrics.MicroAccuracy, best.ValidationAccuracy!.Value, 1e-9);
        Assert.AreEqual(metrics.LogLoss, best.ValidationLoss!.Value, 1e-4);
    }

    private static ImageFineTuningOptions Options(IDataView set) => SmallTraining.Options with { Validation = ValidationData.Set(set) };

    private IDataView View(Photo[] photos) => SmallPictures.View(_ml, photos);

    private sealed class NumberedPhoto
    {
        public int Label { get; set; }

        public string ImagePath { get; set; } = "";
    }

    private sealed class NamelessPhoto
    {
        [KeyType(3)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }

    private sealed class GroupedPhoto
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public string Serial { get; set; } = "";
    }
}
