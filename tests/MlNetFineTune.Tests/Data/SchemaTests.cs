using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>The schema before training equals that of the model; unsuitable columns are reported before any row is read.</summary>
[TestClass]
public sealed class SchemaTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void TheSchemaPromisedIsTheSchemaGiven()
    {
        var text = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(2)));
        foreach (var (view, status) in new[]
        {
            (text, null), (_ml.Transforms.Conversion.ConvertType("Label", outputKind: DataKind.Byte).Fit(text).Transform(text), null),
            (Numbered(), "Status")
        })
        {
            var trainer = Trainer(SmallTraining.Options with { Epochs = 1, ImageStatusColumnName = status });
            var shape = trainer.GetOutputSchema(ShapeOf(view.Schema));
            using var model = trainer.Fit(view);

            foreach (var schema in (DataViewSchema[])[model.GetOutputSchema(view.Schema), model.Transform(view).Schema])
            {
                CollectionAssert.AreEqual(view.Schema.Select(column => column.Name).Concat(["Score", "PredictedLabel"])
                    .Concat(status is null ? [] : [status]).ToArray(), schema.Select(column => column.Name).ToArray());
                var given = ShapeOf(schema);
                foreach (var column in given)
                    AssertAgree(shape.Single(promised => promised.Name == column.Name), column);
                Assert.HasCount(given.Count, shape);
            }
            Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), model.GetOutputSchema(view.Schema)["Score"].Type);
            Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), model.GetOutputSchema(view.Schema)["PredictedLabel"].Type);
        }
    }

    [TestMethod]
    public void TheScoreColumnCarriesWhatMlNetsOwnMulticlassTrainersGive()
    {
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(2)));
        using var model = SmallTraining.LoadModel(_ml);
        var features = _ml.Transforms.Conversion.MapKeyToVector("Features", "Label");
        var theirs = features.Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Fit(view).Transform(view).Schema["Score"];
        var ours = model.Transform(view).Schema["Score"];

        foreach (var kind in (string[])["ScoreColumnKind", "ScoreValueKind"])
            Assert.AreEqual(Text(theirs, kind), Text(ours, kind), kind);
        CollectionAssert.AreEqual(PipelineTests.SlotNames(theirs), PipelineTests.SlotNames(ours));

        static string Text(DataViewSchema.Column column, string kind)
        {
            ReadOnlyMemory<char> value = default;
            column.Annotations.GetValue(kind, ref value);
            return value.ToString();
        }
    }

    [TestMethod]
    public void AMissingLabelFailsBeforeTraining() => CheckTraining(Rows().Drop("Label"), "label", "'Label'");

    [TestMethod]
    public void ALabelThatIsNoKeyFailsBeforeTraining() =>
        CheckTraining(Rows(keys: false), "label", "'Label'", "Key", "MapValueToKey", "String");

    [TestMethod]
    public void AVectorOfLabelsFailsBeforeTraining() =>
        CheckTraining(Rows().Append(_ml.Transforms.Concatenate("Label", "Label")), "label", "'Label'", "Key", "Vector");

    [TestMethod]
    public void AMissingImageFailsBeforeTraining() => CheckTraining(Rows().Drop("ImagePath"), "image", "'ImagePath'");

    [TestMethod]
    public void AnImageOfAnotherTypeFailsBeforeTraining() => CheckTraining(
        Rows().Drop("ImagePath").Append(_ml.Transforms.Conversion.ConvertType("ImagePath", "Number", DataKind.Single)), "image",
        "'ImagePath'", "String (a file's path) or Image", "Single");

    [TestMethod]
    public void AVectorOfImagePathsFailsBeforeTraining() =>
        CheckTraining(Rows().Append(_ml.Transforms.Concatenate("ImagePath", "ImagePath")), "image", "'ImagePath'",
            "String (a file's path) or Image", "Vector");

    [TestMethod]
    public void AMissingImageFailsBeforeScoring() => CheckScoring(Rows().Drop("ImagePath"), "image", "'ImagePath'");

    [TestMethod]
    public void AnImageOfAnotherTypeFailsBeforeScoring() => CheckScoring(
        Rows().Drop("ImagePath").Append(_ml.Transforms.CopyColumns("ImagePath", "Number")), "image", "'ImagePath'",
        "String (a file's path) or Image", "Int32");

    [TestMethod]
    public void AVectorOfImagePathsFailsBeforeScoring() =>
        CheckScoring(Rows().Append(_ml.Transforms.Concatenate("ImagePath", "ImagePath")), "image", "'ImagePath'",
            "String (a file's path) or Image", "Vector");

    [TestMethod]
    public void PixelsWithoutRawPixelsFailBeforeTraining() => CheckPixels(
        nameof(EveryForm.Planar), null, "String (a file's path)", "Vector of Byte", "need the option RawPixels", "Vector<Single");

    [TestMethod]
    public void PixelsOfAnotherSizeThanRawPixelsSayFailBeforeTraining()
    {
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(PictureSources.Rows(perClass: 1)));
        foreach (var column in (string[])[nameof(EveryForm.Planar), nameof(EveryForm.Interleaved)])
        {
            var reader = new CountingView(view); // no shape of a schema knows a length: Fit looks at the data's own schema, before it reads
            var error = Assert.Throws<ArgumentException>(() => Trainer(Pixels(column, RawPixels.Planar(48, 32))).Fit(reader));
            foreach (var part in (string[])["'" + column + "'", "48 x 32 x 3 = 4608 values, as RawPixels says", "6912"])
                StringAssert.Contains(error.Message, part);
            Assert.AreEqual(0, reader.Cursors);
        }
    }

    [TestMethod]
    public void RawPixelsOfAColumnThatHoldsNoneFailBeforeTraining()
    {
        foreach (var (column, found) in new[]
        {
            (nameof(EveryForm.ImagePath), "String"), (nameof(EveryForm.Image), "Image"), (nameof(EveryForm.File), "Vector")
        })
            CheckPixels(
                column, RawPixels.Planar(48, 48),
                "Vector of Byte or Single with 48 x 48 x 3 = 6912 values, as RawPixels says", found);
        CheckPixels(
            nameof(EveryForm.Interleaved), RawPixels.Planar(48, 48, white: 1),
            "only if RawPixels.White is 255", "Byte");
    }

    [TestMethod]
    public void AnotherColumnThanTheOneOfTheTrainingFailsBeforeScoring()
    {
        var rows = _ml.Data.LoadFromEnumerable(PictureSources.Rows(perClass: 1));
        using var model = Trainer(
            Pixels(nameof(EveryForm.Planar), RawPixels.Planar(48, 48))).Fit(SmallTraining.WithKeys(_ml, rows));
        var other = _ml.Transforms.Concatenate(nameof(EveryForm.Planar), nameof(EveryForm.Planar), nameof(EveryForm.Planar)).Fit(rows)
            .Transform(rows);

        foreach (var act in (Action[])[
            () => model.Transform(other), () => model.GetOutputSchema(other.Schema),
            () => ((ITransformer)model).GetRowToRowMapper(other.Schema)])
            StringAssert.Contains(Assert.Throws<ArgumentException>(act).Message, "48 x 48 x 3 = 6912 values");
    }

    private void CheckPixels(string column, RawPixels? pixels, params string[] parts)
    {
        var view = new CountingView(SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(PictureSources.Rows(perClass: 1))));
        foreach (var act in (Action[])[
            () => Trainer(Pixels(column, pixels)).GetOutputSchema(ShapeOf(view.Schema)), () => Trainer(Pixels(column, pixels)).Fit(view)])
        {
            var error = Assert.Throws<ArgumentException>(act);
            foreach (var part in (string[])["image", $"'{column}'", .. parts])
                StringAssert.Contains(error.Message, part);
        }
        Assert.AreEqual(0, view.Cursors);
    }

    private static ImageFineTuningOptions Pixels(string column, RawPixels? pixels) =>
        SmallTraining.Options with { ImageColumnName = column, RawPixels = pixels, Epochs = 1 };

    [TestMethod]
    public void AModelNeedsNoLabelToScore()
    {
        using var model = SmallTraining.LoadModel(_ml);

        Assert.HasCount(3, SmallTraining.Scores(model.Transform(Rows().Drop("Label").View)));
    }

    [TestMethod]
    public void AValidationSetWithoutALabelFailsBeforeTraining() => CheckValidationSet(Rows().Drop("Label"), "validation label", "'Label'");

    [TestMethod]
    public void AValidationSetWithoutAnImageFailsBeforeTraining() =>
        CheckValidationSet(Rows().Drop("ImagePath"), "validation image", "'ImagePath'");

    [TestMethod]
    public void AValidationSetWithImagesOfAnotherTypeFailsBeforeTraining() => CheckValidationSet(
        Rows().Drop("ImagePath").Append(_ml.Transforms.CopyColumns("ImagePath", "Number")), "image", "'ImagePath'",
        "String (a file's path) or Image", "Int32");

    [TestMethod]
    public void AValidationSetWithAVectorOfLabelsFailsBeforeTraining() =>
        CheckValidationSet(Rows().Append(_ml.Transforms.Concatenate("Label", "Label")), "validation label", "'Label'", "Vector");

    [TestMethod]
    public void AnUnknownGroupColumnFailsBeforeTraining()
    {
        CheckOptions(
            SmallTraining.Options with { Validation = ValidationData.Fraction(0.5f, "Serial") }, Rows().View, "validation group",
            "'Serial'");
    }

    [TestMethod]
    public void AGroupColumnOfVectorsFailsBeforeTraining() => CheckOptions(
        SmallTraining.Options with
        {
            Validation = ValidationData.Fraction(
            0.5f, "Serial")
        }, Rows().Append(_ml.Transforms.Concatenate("Serial", "ImagePath",
            "ImagePath")).View, "validation group", "'Serial'", "single value", "Vector");

    [TestMethod]
    public void AGroupColumnIsAskedForByModulesToo()
    {
        var trainer = _ml.BinaryClassification.Trainers.FineTuneModule(
            SmallModules.Binary with { Validation = ValidationData.Fraction(0.5f, "Serial") });
        var view = SmallModules.View(_ml, TableRow.Many(20));

        StringAssert.Contains(Assert.Throws<ArgumentException>(() => trainer.GetOutputSchema(ShapeOf(view.Schema))).Message,
            "validation group");
    }

    [TestMethod]
    public void AnImageFolderForAColumnThatHoldsNoPathsFailsBeforeTraining()
    {
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(PictureSources.Rows(perClass: 1)));
        foreach (var column in (string[])[nameof(EveryForm.File), nameof(EveryForm.Image)])
            CheckOptions(SmallTraining.Options with { ImageColumnName = column, ImageFolder = "photos" }, view, $"'{column}'",
                "holds pictures, not paths", "'photos'", "leave ImageFolder");
        CheckOptions(
            Pixels(nameof(EveryForm.Planar), RawPixels.Planar(48, 48)) with { ImageFolder = "photos" }, view,
            "holds pictures, not paths");
    }

    // Promised by GetOutputSchema, and by Fit before it reads a row.
    private void CheckOptions(ImageFineTuningOptions options, IDataView view, params string[] parts)
    {
        var reader = new CountingView(view);
        foreach (var act in (Action[])[() => Trainer(options).GetOutputSchema(ShapeOf(view.Schema)), () => Trainer(options).Fit(reader)])
        {
            var error = Assert.Throws<ArgumentException>(act);
            foreach (var part in parts)
                StringAssert.Contains(error.Message, part);
        }
        Assert.AreEqual(0, reader.Cursors);
    }

    private void CheckTraining(Stages rows, params string[] parts)
    {
        var trainer = Trainer();
        var reader = new CountingView(rows.View);

        var promised = Assert.Throws<ArgumentException>(() => trainer.GetOutputSchema(ShapeOf(rows.View.Schema)));
        var fitted = Assert.Throws<ArgumentException>(() => trainer.Fit(reader));

        Assert.AreEqual(0, reader.Cursors, "The data were read before the schema was checked.");
        foreach (var part in parts)
        {
            StringAssert.Contains(promised.Message, part);
            StringAssert.Contains(fitted.Message, part);
        }
    }

    private void CheckScoring(Stages rows, params string[] parts)
    {
        using var model = SmallTraining.LoadModel(_ml);

        foreach (var act in (Action[])[
            () => model.Transform(rows.View), () => model.GetOutputSchema(rows.View.Schema),
            () => ((ITransformer)model).GetRowToRowMapper(rows.View.Schema)])
        {
            var error = Assert.Throws<ArgumentException>(act);
            foreach (var part in parts)
                StringAssert.Contains(error.Message, part);
        }
    }

    private void CheckValidationSet(Stages rows, params string[] parts)
    {
        var trainer = Trainer(SmallTraining.Options with { Validation = ValidationData.Set(rows.View), Progress = new NoProgress() });

        var reader = new CountingView(Rows().View);
        var error = Assert.Throws<ArgumentException>(() => trainer.Fit(reader));

        Assert.AreEqual(0, reader.Cursors, "The training rows were read before the set's schema was checked.");
        foreach (var part in parts)
            StringAssert.Contains(error.Message, part);
    }

    private Stages Rows(bool keys = true)
    {
        var view = _ml.Data.LoadFromEnumerable(
            SmallPictures.Take(1).Select(photo => new NumberedPhoto { Label = photo.Label, ImagePath = photo.ImagePath, Number = 1 }));
        return new Stages(_ml, keys ? SmallTraining.WithKeys(_ml, view) : view);
    }

    private IDataView Numbered() =>
        _ml.Data.LoadFromEnumerable(SmallPictures.Take(2)
            .Select((photo, i) => new KeyedPhoto { Label = (uint)(i % 3), ImagePath = photo.ImagePath }));

    private FineTuningTrainer Trainer(ImageFineTuningOptions? options = null) =>
        _ml.MulticlassClassification.Trainers.FineTuneImages(options ?? SmallTraining.Options with { Epochs = 1 });

    // ML.NET makes shapes of schemas inside Fit alone.
    internal static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)typeof(SchemaShape)
        .GetMethod("Create", System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)!.Invoke(null, [schema])!;

    private static void AssertAgree(SchemaShape.Column promised, SchemaShape.Column given)
    {
        Assert.AreEqual(given.Name, promised.Name);
        Assert.AreEqual(given.Kind, promised.Kind, given.Name);
        Assert.AreEqual(given.IsKey, promised.IsKey, given.Name);
        Assert.AreEqual(given.ItemType, promised.ItemType, given.Name);
        CollectionAssert.AreEquivalent(
            given.Annotations.Select(a => a.Name).ToArray(), promised.Annotations.Select(a => a.Name).ToArray(),
            $"annotations of {given.Name}");
        foreach (var annotation in given.Annotations)
            AssertAgree(promised.Annotations.Single(a => a.Name == annotation.Name), annotation);
    }

    /// <summary>A view that ML.NET's transforms change step by step.</summary>
    private sealed record Stages(MLContext Ml, IDataView View)
    {
        public Stages Append(IEstimator<ITransformer> estimator) => this with { View = estimator.Fit(View).Transform(View) };

        public Stages Drop(string column) => Append(Ml.Transforms.DropColumns(column));
    }

    private sealed class NumberedPhoto
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public int Number { get; set; }
    }

    private sealed class KeyedPhoto
    {
        [KeyType(3)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }

    private sealed class NoProgress : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Assert.Fail("Training began.");
    }
}
