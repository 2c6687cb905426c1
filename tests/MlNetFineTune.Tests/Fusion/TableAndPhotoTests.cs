using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Fusion;

/// <summary>A table beside the picture, as a user has it: fit, transform, evaluate, save, serve.</summary>
[TestClass]
public sealed class TableAndPhotoTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheTableTellsWhatPicturesDoNot()
    {
        var test = FusedRow.View(_ml, FusedRow.Many(90, seed: 2));
        using var fused = Fit(FusedRow.Options with { Epochs = 8, Strategy = Strategy.HeadOnly, LearningRate = 0.02f }, FusedRow.Many(90));
        using var alone = Fit(SmallTraining.Options with { Epochs = 2, Strategy = Strategy.HeadOnly }, FusedRow.Many(90));

        Assert.IsGreaterThan(0.85, _ml.MulticlassClassification.Evaluate(fused.Transform(test)).MicroAccuracy);
        Assert.IsLessThan(0.6, _ml.MulticlassClassification.Evaluate(alone.Transform(test)).MicroAccuracy);
    }

    [TestMethod]
    public void EveryTaskReadsTheTable()
    {
        var rows = FusedRow.Many(24);
        var numbers = _ml.Transforms.Expression("Target", "x => x < 100.5f ? 1f : 2f", "Weight").Fit(FusedRow.View(_ml, rows))
            .Transform(FusedRow.View(_ml, rows));
        var yes = _ml.Transforms.Expression("Yes", "x => x < 1.5f", "Target").Fit(numbers).Transform(numbers);

        using var number = _ml.Regression.Trainers.FineTuneImages(FusedRow.Options with { LabelColumnName = "Target", Epochs = 1 })
            .Fit(yes);
        using var answer = _ml.BinaryClassification.Trainers.FineTuneImages(FusedRow.Options with { LabelColumnName = "Yes", Epochs = 1 })
            .Fit(yes);

        Assert.IsTrue(number.Transform(yes).GetColumn<float>("Score").All(float.IsFinite));
        Assert.IsTrue(answer.Transform(yes).GetColumn<float>("Probability").All(float.IsFinite));
    }

    [TestMethod]
    public void NumbersAreStandardisedByTheTrainingRowsAlone()
    {
        var rows = FusedRow.Many(30);
        var validation = FusedRow.Many(9, seed: 3);
        foreach (var row in validation)
            row.Weight = 1e6f;
        using var model = Fit(FusedRow.Options with { Validation = ValidationData.Set(FusedRow.View(_ml, validation)), Epochs = 1 }, rows);

        var known = rows.Select(row => (double)row.Weight).Where(double.IsFinite).ToArray();
        var mean = known.Average();
        model.Scorer.Read(network =>
        {
            var table = ((ImageNetwork)network).Table!;
            Fixture.AreClose([mean], table.mean!.Values(), 1e-6, "mean");
            Fixture.AreClose([Math.Sqrt(known.Average(value => (value - mean) * (value - mean)))], table.deviation!.Values(), 1e-5,
                "deviation");
        });
    }

    [TestMethod]
    public void AColumnThatNeverVariesOrIsNeverKnownDoesNoHarm()
    {
        var log = new LogLines(_ml);
        var view = FusedRow.View(_ml, FusedRow.Many(24));
        var constant = _ml.Transforms.Expression("Same", "x => 5f", "Weight")
            .Append(_ml.Transforms.Expression("Never", "x => 0f / (x - x)", "Weight"))
            .Fit(view).Transform(view);

        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
            FusedRow.Options with { TableColumns = ["Same", "Never"], Epochs = 1 })
            .Fit(constant);

        AssertProbabilities(SmallTraining.Scores(model.Transform(constant)));
        Assert.IsTrue(log.Warnings.Any(line => line.Contains("Column 'Never' has no number in any of 24 training rows")), log.ToString());
    }

    [TestMethod]
    public void AVectorOfNumbersAndOneOfKeysAreColumnsToo()
    {
        var view = FusedRow.View(_ml, FusedRow.Many(24));
        var vectors = _ml.Transforms.Concatenate("Both", "Weight", "Weight").Append(_ml.Transforms.CopyColumns("Label2", "Color"))
            .Append(_ml.Transforms.Concatenate("Keys", "Color", "Label2"))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Keys"))
            .Fit(view).Transform(view);

        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
            FusedRow.Options with { TableColumns = ["Keys", "Both"], Epochs = 1 })
            .Fit(vectors);

        AssertProbabilities(SmallTraining.Scores(model.Transform(vectors)));
        model.Scorer.Read(network => CollectionAssert.AreEqual(new[] { 2L }, ((ImageNetwork)network).Table!.mean!.shape));
    }

    [TestMethod]
    public void TheSavedModelScoresTheSameBits()
    {
        var test = FusedRow.View(_ml, FusedRow.Many(20, seed: 4));
        using var model = Fit(FusedRow.Options with { MissingPictures = MissingPictures.Allow }, FusedRow.Many(30));
        using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        var weights = Path.Combine(SmallPictures.NewFolder(), "weights.safetensors");
        loaded.SaveWeights(weights);
        var text = System.Text.Encoding.ASCII.GetString(File.ReadAllBytes(weights));
        foreach (var name in (string[])["linear.weight", "embeddings.0.weight", "mean", "deviation", "missing_picture"])
            StringAssert.Contains(text, $"\"table.{name}\"");
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessLoadsTheChainAndGivesTheSameBits()
    {
        var rows = FusedRow.Many(24);
        var train = _ml.Data.LoadFromEnumerable(rows);
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.Conversion.MapValueToKey("ColorKey", "Color"))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options)).Fit(train);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(chain, train.Schema, zip);

        var printed = LoadOnly.Run([zip, .. rows.Select(row => FormattableString.Invariant($"{row.ImagePath};{row.Weight};{row.Color}"))]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(chain.Transform(train))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task EngineAndPredictorGiveWhatTransformGives()
    {
        var rows = FusedRow.Many(24);
        var train = _ml.Data.LoadFromEnumerable(rows);
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.Conversion.MapValueToKey("ColorKey", "Color"))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options)).Fit(train);
        var expected = SmallTraining.Scores(chain.Transform(train));

        using var engine = _ml.Model.CreatePredictionEngine<FusedRow, FusedScore>(chain);
        SmallTraining.AssertClose(expected, [.. rows.Select(row => engine.Predict(row).Score.ToArray())]);
        await using var predictor = _ml.Model.CreatePredictor<FusedRow, FusedScore>(chain);
        var served = await Task.WhenAll(rows.Select(row => predictor.PredictAsync(row)));
        SmallTraining.AssertClose(expected, [.. served.Select(one => one.Score)]);
    }

    [TestMethod]
    public void FoldsOfACrossValidationStandardiseByTheirOwnRows()
    {
        var data = FusedRow.View(_ml, FusedRow.Many(24));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { Epochs = 1 });

        var folds = _ml.MulticlassClassification.CrossValidate(data, trainer, numberOfFolds: 2, seed: 4);

        var means = new List<double>();
        foreach (var fold in folds)
        {
            using var model = (FineTuningTransformer)fold.Model;
            model.Scorer.Read(network => means.AddRange(((ImageNetwork)network).Table!.mean!.Values()));
        }
        Assert.HasCount(2, means);
        Assert.AreNotEqual(means[0], means[1]);
    }

    [TestMethod]
    public void ViewsOfARowShareItsTable()
    {
        var rows = FusedRow.Many(20, seed: 4);
        using var model = Fit(FusedRow.Options, FusedRow.Many(30));
        using var flipping = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);

        // Rows keep their scores whatever stands before them in a batch of two views each; and the views are not all alike.
        var scores = SmallTraining.Scores(flipping.Transform(FusedRow.View(_ml, rows)));
        var reversed = SmallTraining.Scores(flipping.Transform(FusedRow.View(_ml, rows.Reverse())));
        SmallTraining.AssertClose(scores, [.. reversed.Reverse()]);
        AssertProbabilities(scores);
        Assert.IsTrue(SmallTraining.Scores(model.Transform(FusedRow.View(_ml, rows))).Zip(scores)
            .Any(pair => Math.Abs(pair.First[0] - pair.Second[0]) > 1e-6));
    }

    [TestMethod]
    public void TheTableBelongsToTheHeadForStrategiesAdaptersAndHalfPrecision()
    {
        using var folder = new Folder();
        var weights = folder.File("micro.safetensors");
        using (var first = SmallTraining.LoadModel(_ml))
            first.SaveWeights(weights);
        var backbone = Backbone.Micro.WithWeights(weights);
        var options = FusedRow.Options
            with
        { Backbone = backbone, Strategy = Strategy.LastStages(1), Adapter = Adapter.Lora(2), Epochs = 1 };
        var test = FusedRow.View(_ml, FusedRow.Many(12, seed: 5));
        using var model = Fit(options, FusedRow.Many(24));

        var adapter = folder.File("adapter.safetensors");
        model.SaveAdapter(adapter);
        using var again = _ml.Model.LoadAdapter(adapter, backbone);
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(again.Transform(test)));

        using var half = model.WithHalfPrecisionWeights();
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(half.Transform(test)), 5e-3f);
    }

    [TestMethod]
    public void ABackboneOfAFusedModelBeginsAnotherTraining()
    {
        var log = new LogLines(_ml);
        using var fused = Fit(FusedRow.Options with { Epochs = 1 }, FusedRow.Many(24));

        using var next = SmallTraining
            .Fit(_ml, SmallTraining.Options with { Backbone = Backbone.FromModel(fused), Epochs = 1 }, SmallPictures.Take(4));

        Assert.IsTrue(log.All.Any(line => line.Contains("The head of the earlier model is not used: it and the layers of a table")),
            log.ToString());
    }

    internal static void AssertProbabilities(float[][] scores)
    {
        foreach (var row in scores)
            Assert.AreEqual(1, row.Sum(), 1e-4f, string.Join(" ", row));
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options, FusedRow[] rows) =>
        _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, rows));

    private sealed class FusedScore
    {
        public float[] Score { get; set; } = [];
    }
}
