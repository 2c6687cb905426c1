using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Data;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.ConformalPrediction;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Models with conformal prediction: their columns, what is saved, the rows that calibrate, errors.</summary>
[TestClass]
public sealed class ConformalTests
{
    // Unsure pictures on purpose: two epochs. 15 of the 30 pictures validate, and 8 or 7 of them calibrate.
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Validation = ValidationData.Fraction(0.5f),
        Conformal = new ConformalPrediction
        {
            Coverage = 0.8f,
            Novelty = NoveltyScore.NearestNeighbors(neighbors: 2, rows: 10, falseAlarmRate: 0.2f),
        },
    };

    private static readonly Photo[] s_photos = SmallPictures.Take(10);

    private readonly MLContext _ml = new(seed: 1);

    private Photo[] Test => [.. SmallPictures.Take(4, skip: 15), new Photo { Label = "dots", ImagePath = "nowhere.jpg" }];

    [TestMethod]
    public void TheColumnsAreThoseOfTheQuantilesAndTheSchemaSaysSoBefore()
    {
        using var model = SmallTraining.Fit(_ml, s_options, s_photos);
        var report = model.Conformal!;
        Assert.AreEqual((0.8f, 1, 10), (report.Coverage, report.Quantiles.Count, report.NoveltyRows));
        Assert.AreEqual(15, report.Rows + model.Report!.ValidationRows);
        Assert.IsGreaterThan(5, report.Rows);
        Assert.AreEqual(10L * 4 * FeaturesOf(model), report.NoveltyBytes);
        Assert.IsTrue(report.NoveltyThreshold is > 0 and < 2);

        var scored = model.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, Test)));

        float[][] scores = SmallTraining.Scores(scored);
        uint[][] sets = [.. scored.GetColumn<uint[]>("PredictedLabels")];
        float[] novelties = [.. scored.GetColumn<float>("Novelty")];
        bool[] rejected = [.. scored.GetColumn<bool>("Rejected")];
        uint[] predicted = SmallTraining.PredictedKeys(scored);
        foreach (var (row, probabilities) in scores.Index())
        {
            var expected = Enumerable.Range(0, 3).Where(c => 1 - probabilities[c] <= report.Quantiles[0])
                .OrderByDescending(c => probabilities[c]).Select(c => (uint)c + 1).ToArray();
            CollectionAssert.AreEqual(expected, sets[row], $"row {row}");
            var isAccepted = expected is [var only] && only == predicted[row] && novelties[row] <= report.NoveltyThreshold;
            Assert.AreEqual(!isAccepted, rejected[row], $"row {row}");
        }
        Assert.IsTrue(float.IsNaN(novelties[^1]) && rejected[^1] && sets[^1].Length == 0, "a picture that cannot be read");
        Assert.IsTrue(sets.SkipLast(1).Any(set => set.Length != 1), "This test is about unsure pictures.");

        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, s_photos));
        var shape = _ml.MulticlassClassification.Trainers.FineTuneImages(s_options).GetOutputSchema(SchemaTests.ShapeOf(data.Schema));
        foreach (var name in (string[])["PredictedLabels", "Novelty", "Rejected"])
        {
            var promised = shape.Single(column => column.Name == name);
            var actual = SchemaTests.ShapeOf(scored.Schema).Single(column => column.Name == name);
            Assert.AreEqual((actual.Kind, actual.ItemType, actual.IsKey), (promised.Kind, promised.ItemType, promised.IsKey), name);
            CollectionAssert.AreEqual(
                actual.Annotations.Select(column => column.Name).ToArray(), promised.Annotations.Select(column => column.Name).ToArray());
        }
    }

    [TestMethod]
    public async Task NamesComeByMapKeyToValueInPredictionEngineAndPredictorAsInTransform()
    {
        var estimator = _ml.MulticlassClassification.Trainers.FineTuneImages(s_options)
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabels"));
        using var chain = estimator.Fit(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, s_photos)));
        var photos = SmallPictures.Take(3, skip: 15);
        var expected = _ml.Data.CreateEnumerable<JudgedPhoto>(
            chain.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos))), reuseRowObject: false).ToArray();
        Assert.IsTrue(expected.All(row => row.PredictedLabels.All(name => SmallPictures.Classes.Contains(name))));

        using var engine = _ml.Model.CreatePredictionEngine<Photo, JudgedPhoto>(chain);
        await using var predictor = _ml.Model.CreatePredictor<Photo, JudgedPhoto>(chain);

        foreach (var (photo, row) in photos.Zip(expected))
        {
            AssertSame(row, engine.Predict(photo));
            AssertSame(row, await predictor.PredictAsync(photo));
        }

        // A batch of one computes by other kernels.
        static void AssertSame(JudgedPhoto expected, JudgedPhoto actual)
        {
            CollectionAssert.AreEqual(expected.PredictedLabels, actual.PredictedLabels);
            Assert.AreEqual(expected.Novelty, actual.Novelty, 1e-5);
            Assert.AreEqual(expected.Rejected, actual.Rejected);
        }
    }

    [TestMethod]
    public void ASavedModelKeepsEverythingAndADamagedOneIsRefused()
    {
        using var model = SmallTraining.Fit(_ml, s_options with { OnProbeMismatch = ProbeMismatch.Throw }, s_photos);
        var zip = SmallTraining.Save(_ml, model);
        var test = SmallPictures.View(_ml, Test);

        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

        var (expected, actual) = (model.Conformal!, loaded.Conformal!);
        CollectionAssert.AreEqual(expected.Quantiles.ToArray(), actual.Quantiles.ToArray());
        Assert.AreEqual(expected, actual with { Quantiles = expected.Quantiles });
        Assert.AreEqual(Printed(model.Transform(test)), Printed(loaded.Transform(test)));
        Assert.HasCount((int)expected.NoveltyBytes, Zip.Entry(zip, "novelty.features"));

        LoadFails(zip, manifest => manifest["Quantiles"] = new JsonArray(0.5f, 0.5f), "quantiles");
        LoadFails(zip, manifest => manifest["Coverage"] = 1, "quantiles");
        LoadFails(zip, manifest => manifest["Score"]!["Kind"] = "Other", "Other");
        LoadFails(zip, manifest => manifest["RejectedColumn"] = "", "name");
        LoadFails(zip, manifest => manifest["Novelty"]!["Neighbors"] = 0, "novelty");
        LoadFails(zip, manifest => manifest["Novelty"]!["Rows"] = 5, "novelty.features");
        LoadFails(zip, manifest => manifest["Novelty"]!["Sha256"] = "00", "SHA-256");
        LoadFails(zip, manifest => manifest["Novelty"] = null, "probe scores");
        var damaged = Zip.With(zip, "novelty.features", bytes => [(byte)(bytes[0] ^ 1), .. bytes[1..]]);
        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _)).ToString(), "SHA-256");
        var without = Zip.With(zip, "novelty.features", _ => null);
        StringAssert.Contains(
            Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(without), out _)).ToString(), "has no novelty.features");
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessGivesTheSameSetsNoveltiesAndFlags()
    {
        using var folder = new Folder();
        using var model = SmallTraining.Fit(_ml, s_options, s_photos);
        _ml.Model.Save(model, null, folder.File("model.zip"));

        var printed = LoadOnly.Run(["--sets", folder.File("model.zip"), .. Test.Select(photo => photo.ImagePath)]);

        Assert.AreEqual(Printed(model.Transform(SmallPictures.View(_ml, Test))), printed.ReplaceLineEndings("\n").Trim());
    }

    [TestMethod]
    public void TheRowsThatCalibrateNeitherTrainNorSelectAndTheNetworkIsThatOfTheOtherRows()
    {
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, s_photos));
        var (plain, kept) = (Read(view, s_options with { Conformal = null }), Read(view, s_options));
        CollectionAssert.AreEqual(plain.Training, kept.Training);
        Assert.IsEmpty(plain.Calibration);
        Assert.IsEmpty(kept.Validation.Intersect(kept.Calibration).ToArray());
        CollectionAssert.AreEqual(plain.Validation, kept.Validation.Concat(kept.Calibration).Order().ToArray());
        Assert.HasCount(8, kept.Calibration, "half of 15");
        CollectionAssert.AreNotEqual(kept.Calibration, Read(view, s_options with { Seed = 2 }).Calibration);

        // Without a fraction of its own it takes all validation rows, and nothing else changes.
        var shared = s_options with { Conformal = s_options.Conformal! with { CalibrationFraction = 0 } };
        CollectionAssert.AreEqual(plain.Validation, Read(view, shared).Calibration);
        CollectionAssert.AreEqual(plain.Validation, Read(view, shared).Validation);
        using var one = SmallTraining.Fit(_ml, s_options with { Conformal = null }, s_photos);
        using var other = SmallTraining.Fit(_ml, shared, s_photos);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(one), SmallTraining.WeightsOf(other));
        Assert.AreEqual(15, other.Conformal!.Rows);
        Assert.IsNull(one.Conformal);
        SmallTraining.AssertSameBits(
            SmallTraining.Scores(one.Transform(SmallPictures.View(_ml, Test))),
            SmallTraining.Scores(other.Transform(SmallPictures.View(_ml, Test))));

    }

    [TestMethod]
    public void CalibrationPicturesThatCannotBeReadAreSubjectToBadRows()
    {
        var calibration = CalibrationRowsOf(s_photos);
        var skipping = s_options with { BadRows = BadRows.Skip(0.5f) };
        var log = new LogLines(_ml);

        using var model = SmallTraining.Fit(_ml, skipping, Without(4));

        Assert.AreEqual(calibration.Length - 4, model.Conformal!.Rows);
        Assert.IsTrue(log.Warnings.Any(line => line.Contains($"Only 4 of {calibration.Length} calibration rows")), log.ToString());
        Assert.IsTrue(log.Warnings.Any(line => line.Contains($"nowhere{calibration[0]}.jpg")), log.ToString());

        StringAssert.Contains(
            Assert.Throws<InvalidDataException>(() => SmallTraining.Fit(_ml, s_options, Without(1)).Dispose()).Message,
            $"nowhere{calibration[0]}.jpg");
        StringAssert.Contains(
            Assert.Throws<InvalidDataException>(() => SmallTraining.Fit(
                _ml, s_options with { BadRows = BadRows.Skip(0.1f) }, Without(4)).Dispose()).Message, "more than BadRows.Skip(0.1) allows");
        var message = Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(_ml, skipping, Without(5)).Dispose()).Message;
        StringAssert.Contains(message, "needs 4 calibration rows or more, and there are 3");
        StringAssert.Contains(message, "without 5 that could not be read");

        Photo[] Without(int count)
        {
            Photo[] photos = [.. s_photos];
            foreach (var row in calibration.Take(count))
                photos[row] = new Photo { Label = photos[row].Label, ImagePath = $"nowhere{row}.jpg" };
            return photos;
        }
    }

    [TestMethod]
    public void WorkersDoNotChangeIt()
    {
        var printed = new HashSet<string>();
        foreach (var workers in (int[])[1, 3])
        {
            using var model = SmallTraining.Fit(_ml, s_options with { Workers = workers }, s_photos);
            printed.Add($"{string.Join(' ', model.Conformal!.Quantiles)} {model.Conformal.NoveltyThreshold} "
                + Printed(model.Transform(SmallPictures.View(_ml, Test))));
        }
        Assert.HasCount(1, printed);
    }

    [TestMethod]
    public void TheNoveltyOfTheCalibrationRowsIsAtMostTheThresholdInFourOfFive()
    {
        // All rows calibrate, so that the training and the calibration rows can be told: the quantile is of them.
        using var model = SmallTraining.Fit(
            _ml, s_options with
            {
                Validation = ValidationData.Set(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(5, skip: 12)))),
                Conformal = s_options.Conformal! with { CalibrationFraction = 0 },
            }, s_photos);
        var scored = model.Transform(SmallPictures.View(_ml, SmallPictures.Take(5, skip: 12)));
        float[] novelties = [.. scored.GetColumn<float>("Novelty").Order()];
        Assert.AreEqual(novelties[ConformalQuantile.RankOf(15, 0.8f) - 1], model.Conformal!.NoveltyThreshold!.Value, 1e-6);

        // A flat grey picture is like none of the three classes.
        var grey = Path.Combine(SmallPictures.NewFolder(), "grey.png");
        using (var bitmap = new SkiaSharp.SKBitmap(48, 48))
        {
            bitmap.Erase(new SkiaSharp.SKColor(70, 70, 70));
            using var stream = File.Create(grey);
            bitmap.Encode(stream, SkiaSharp.SKEncodedImageFormat.Png, 100);
        }
        var strange = model.Transform(SmallPictures.View(_ml, [new Photo { ImagePath = grey }]));
        Assert.IsGreaterThan(model.Conformal.NoveltyThreshold.Value, strange.GetColumn<float>("Novelty").Single());
        Assert.IsTrue(strange.GetColumn<bool>("Rejected").Single());
    }

    [TestMethod]
    public void BinaryModelsHaveSetsOfBooleansAndTheThresholdOfThePredictedLabelCounts()
    {
        var options = ScalarModels.Options(LearningTask.Binary(threshold: DecisionThreshold.Fixed(0.9f))) with
        {
            Epochs = 2,
            Validation = ValidationData.Fraction(0.5f),
            Conformal = s_options.Conformal,
        };
        var photos = MarkedPhoto.View(_ml, MarkedPhoto.Take(10));
        using var model = ScalarModels.Trainer(_ml, options).Fit(photos);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
        var quantile = model.Conformal!.Quantiles.Single();

        var scored = loaded.Transform(MarkedPhoto.View(_ml, MarkedPhoto.Take(4, skip: 15)));

        foreach (var row in _ml.Data.CreateEnumerable<JudgedYes>(scored, reuseRowObject: false))
        {
            bool[] expected = [.. new[] { (Value: true, row.Probability), (Value: false, Probability: 1 - row.Probability) }
                .Where(one => 1 - one.Probability <= quantile).OrderByDescending(one => one.Probability).Select(one => one.Value)];
            CollectionAssert.AreEqual(expected, row.PredictedLabels);
            Assert.AreEqual(
                !(expected is [var only] && only == row.Probability > 0.9f && row.Novelty <= model.Conformal.NoveltyThreshold),
                row.Rejected);
        }
    }

    [TestMethod]
    public void ModulesThatRunAsAWholeHaveSetsAndNoNovelty()
    {
        var rows = SmallModules.View(_ml, TableRow.Many(200));
        var conformal = new ConformalPrediction
        {
            Coverage = 0.75f,
            ClassConditional = true,
            Score = NonconformityScore.RegularizedAdaptive(),
            Novelty = NoveltyScore.None,
            PredictedLabelsColumnName = "Kinds",
            RejectedColumnName = "Ask",
        };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with { Epochs = 1, Conformal = conformal }).Fit(rows);
        using var loaded = SmallModules.Reload(_ml, model);

        Assert.HasCount(3, model.Conformal!.Quantiles);
        Assert.AreEqual((null, 0, 0L), (model.Conformal.NoveltyThreshold, model.Conformal.NoveltyRows, model.Conformal.NoveltyBytes));
        var scored = model.Transform(rows);
        Assert.IsNull(scored.Schema.GetColumnOrNull("Novelty"));
        var (sets, again) = (scored.GetColumn<uint[]>("Kinds").ToArray(), loaded.Transform(rows).GetColumn<uint[]>("Kinds").ToArray());
        Assert.AreEqual(string.Join(' ', sets.Select(Text)), string.Join(' ', again.Select(Text)));
        CollectionAssert.AreEqual(
            scored.GetColumn<bool>("Ask").ToArray(),
            sets.Zip(SmallTraining.PredictedKeys(scored), (set, key) => set is not [var only] || only != key).ToArray());

        StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with { Conformal = new ConformalPrediction { Coverage = 0.75f } }).Fit(rows)).Message,
            "runs as a whole");

        // A single layer is the head, and no stage runs before it.
        AnyFactory.Make = context => new Lambda(6, context.Outputs, (layer, input) => layer.call(input));
        var watcher = new Watcher();
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with
            {
                Factory = new AnyFactory(),
                Progress = watcher,
                Conformal = new ConformalPrediction { Coverage = 0.75f },
            }).Fit(rows)).Message, "runs as a whole");
        Assert.IsEmpty(watcher.Seen);

        static string Text(uint[] set) => string.Join('+', set);
    }

    [TestMethod]
    public void TooFewRowsAndTasksWithoutClassesAreRefusedBeforeTheTraining()
    {
        var watcher = new Watcher();
        var options = s_options with { Progress = watcher };
        Fails<InvalidOperationException>(
            options with { Conformal = new ConformalPrediction() }, "a coverage of 0.95 needs 19 calibration rows or more",
            "CalibrationFraction 0.5 of the 15 validation rows", "raise CalibrationFraction, or lower Coverage.");
        Fails<InvalidOperationException>(
            options with { Conformal = options.Conformal! with { ClassConditional = true } }, "for each class",
            "needs 4 calibration rows of", "lower Coverage, or set ClassConditional = false.");
        Fails<InvalidOperationException>(
            options with { Conformal = options.Conformal! with { Novelty = NoveltyScore.NearestNeighbors(), CalibrationFraction = 0 } },
            "a falseAlarmRate of 0.05 needs 19", "all 15 validation rows. Give more validation rows (Validation), raise falseAlarmRate, "
                + "or set Novelty = NoveltyScore.None.");
        Fails<ArgumentException>(options with { TestTimeAugmentation = TestTimeAugmentation.Flip }, "TestTimeAugmentation Flip");
        Fails<ArgumentException>(options with { Validation = ValidationData.None }, "Conformal needs validation");
        Fails<ArgumentException>(
            options with { Conformal = options.Conformal! with { NoveltyColumnName = "Score" } }, "NoveltyColumnName", "ScoreColumnName");
        Fails<ArgumentException>(options with { Conformal = options.Conformal! with { RejectedColumnName = " " } }, "RejectedColumnName");
        foreach (var (task, label) in (ReadOnlySpan<(LearningTask, string)>)[
            (LearningTask.Regression(), "Number"), (TaskRow.TaskOf("MultiLabel"), "Tags"), (TaskRow.TaskOf("Several"), "Grade")])
        {
            StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.FineTuning.FineTuneImages(
                options with { Task = task, LabelColumnName = label })).Message, "of Multiclass, Ordinal and Binary");
        }
        Assert.IsEmpty(watcher.Seen);

        void Fails<T>(ImageFineTuningOptions changed, params string[] parts)
            where T : Exception
        {
            var message = Assert.Throws<T>(() => SmallTraining.Fit(_ml, changed, s_photos).Dispose()).Message;
            foreach (var part in parts)
                StringAssert.Contains(message, part);
        }
    }

    [TestMethod]
    public void HalfPrecisionAndOtherViewsKeepItAndAnAdaptersFileHasNoPlaceForTheFeatures()
    {
        var adapted = s_options with { Adapter = Adapter.Lora(2) };
        using var model = SmallTraining.Fit(_ml, adapted, s_photos);
        using var half = model.WithHalfPrecisionWeights();
        using var flipped = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        using var again = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, half)), out _);
        var test = SmallPictures.View(_ml, Test);
        foreach (var other in (FineTuningTransformer[])[half, flipped, again])
        {
            Assert.AreEqual(model.Conformal!.NoveltyThreshold, other.Conformal!.NoveltyThreshold);
            foreach (var (one, two) in model.Transform(test).GetColumn<float>("Novelty")
                .Zip(other.Transform(test).GetColumn<float>("Novelty")).SkipLast(1))
            {
                Assert.AreEqual(one, two, 0.1);
            }
        }
        using var folder = new Folder();
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => model.SaveAdapter(folder.File("adapter.safetensors"))).Message, "novelty");

        using var without = SmallTraining.Fit(
            _ml, adapted with { Conformal = adapted.Conformal! with { Novelty = NoveltyScore.None } }, s_photos);
        without.SaveAdapter(folder.File("adapter.safetensors"));
    }

    [TestMethod]
    public void TheReportShowsCoverageSizesAndRejectedRows()
    {
        using var folder = new Folder();
        using var model = SmallTraining.Fit(_ml, s_options with { RunFolder = folder.File("run") }, s_photos);

        var page = File.ReadAllText(folder.File("run/report.html"));

        foreach (var part in (string[])[
            "Conformal prediction", "which selected the epoch and did not calibrate the sets", "0.8 was requested",
            "classes in the set", "mean set size",
            "rejected", "of them novel", "Share of the validation rows (up) with at most this novelty", "rejected above", "in nine of ten"])
        {
            StringAssert.Contains(page, part);
        }

        // The Beta distribution is that of one quantile, of rows that did not select the epoch.
        foreach (var conformal in (ConformalPrediction[])[
            s_options.Conformal! with { CalibrationFraction = 0 },
            s_options.Conformal! with { CalibrationFraction = 0, ClassConditional = true, Coverage = 0.6f }])
        {
            using var again = new Folder();
            SmallTraining.Fit(_ml, s_options with { RunFolder = again.File("run"), Conformal = conformal }, s_photos).Dispose();
            Assert.DoesNotContain("in nine of ten", File.ReadAllText(again.File("run/report.html")));
        }
    }

    [TestMethod]
    public void NoveltyFeaturesOfAnotherNetworkAreRefused()
    {
        using var model = SmallTraining.Fit(_ml, s_options, s_photos);
        var bytes = new byte[3 * sizeof(float)];
        BitConverter.TryWriteBytes(bytes, 1f);
        var zip = Zip.With(SmallTraining.Save(_ml, model), "novelty.features", _ => bytes);

        LoadFails(zip, manifest =>
        {
            var novelty = manifest["Novelty"]!;
            (novelty["Rows"], novelty["Features"]) = (1, 3);
            novelty["Sha256"] = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        }, $"has 3 features a row, and its network gives {FeaturesOf(model)}");
    }

    private int[] CalibrationRowsOf(Photo[] photos) =>
        Read(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos)), s_options).Calibration;

    private (int[] Training, int[] Validation, int[] Calibration) Read(IDataView data, ImageFineTuningOptions options)
    {
        using var fit = new MlNetFineTune.Training.FitScope(_ml, "test", "test", options.Seed);
        var task = options.TaskInForce.Bind(data.Schema, options.Columns);
        using var rows = MlNetFineTune.Training.TrainingData.Read(
            fit.Host, fit.Channel, data, options, options.CreateInput(), task.Labels, fit.Seed);
        return (rows.Training.Rows, rows.Validation.Rows, rows.Calibration.Rows);
    }

    private static int FeaturesOf(FineTuningTransformer model) => model.ConformalModel!.Nearest!.Features;

    // As LoadOnly prints.
    private string Printed(IDataView scored)
    {
        var named = _ml.Transforms.Conversion.MapKeyToValue("PredictedLabels").Fit(scored).Transform(scored);
        return string.Join('\n', named.GetColumn<string[]>("PredictedLabels")
            .Zip(named.GetColumn<float>("Novelty"), named.GetColumn<bool>("Rejected"))
            .Select(row => $"{string.Join('+', row.First)} {BitConverter.SingleToInt32Bits(row.Second):X8} {row.Third}")).Trim();
    }

    private void LoadFails(byte[] zip, Action<JsonNode> change, string part)
    {
        var changed = Zip.With(zip, "manifest.json", bytes =>
        {
            var manifest = JsonNode.Parse(bytes)!;
            change(manifest["Conformal"]!);
            return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(changed), out _)).ToString(), part);
    }

    private sealed class JudgedPhoto
    {
        public string[] PredictedLabels { get; set; } = [];

        public float Novelty { get; set; }

        public bool Rejected { get; set; }
    }

    private sealed class JudgedYes
    {
        public float Probability { get; set; }

        public bool[] PredictedLabels { get; set; } = [];

        public float Novelty { get; set; }

        public bool Rejected { get; set; }
    }
}
