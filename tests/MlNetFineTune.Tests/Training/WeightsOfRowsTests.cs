using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>Class weights and example weights in whole trainings: a row of weight k is k rows.</summary>
[TestClass]
public sealed class WeightsOfRowsTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _rows = Weighted(TableRow.Many(48), row => row % 4);
    private readonly TableRow[] _validation = Weighted(TableRow.Many(20, seed: 2), row => row % 3);

    [TestMethod]
    public void ARowOfWeightKIsKRows()
    {
        // One step an epoch, over all rows.
        Verify((options, rows) => _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(rows),
            SmallModules.Multiclass with { Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(("kind1", 3))) });
        Verify((options, rows) => _ml.BinaryClassification.Trainers.FineTuneModule(options).Fit(rows),
            SmallModules.Binary with { Task = LearningTask.Binary(classWeights: ClassWeights.Of(1, 3)) });
        Verify((options, rows) => _ml.Regression.Trainers.FineTuneModule(options).Fit(rows), SmallModules.Regression);

        void Verify(Func<ModuleFineTuningOptions, IDataView, FineTuningTransformer> fit, ModuleFineTuningOptions options)
        {
            var (weighted, weightedAccuracy) = Train(fit, options with { ExampleWeightColumnName = "Size" }, _rows, _validation);
            var (repeated, repeatedAccuracy) = Train(fit, options, Repeated(_rows), Repeated(_validation));
            var (plain, _) = Train(fit, options, _rows, _validation);
            Fixture.AreClose(repeated, weighted, 1e-4, "losses of training and validation");
            Assert.IsGreaterThan(0.01, plain.Zip(weighted, (a, b) => Math.Abs(a - b)).Max(), "without weights they are others");
            if (options.TaskInForce is not RegressionTask)
                Assert.IsTrue(weightedAccuracy.All(accuracy => Math.Abs(accuracy * 20 - Math.Round(accuracy * 20)) < 1e-9),
                    "accuracy counts each of 20 rows once");
        }
    }

    [TestMethod]
    public void BalancedIsTheFormulaOfScikitLearn()
    {
        // compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 0, 1, 2, 2]) is [7/12, 7/3, 7/6].
        Fixture.AreClose([7 / 12.0, 7 / 3.0, 7 / 6.0],
            [.. ClassWeights.Balanced.Resolve(["a", "b", "c"], [0, 0, 0, 0, 1, 2, 2])!.Select(weight => (double)weight)], 1e-6, "weight");
        CollectionAssert.AreEqual(new float[] { 0.75f, 1, 1.5f }, ClassWeights.Balanced.Resolve(["a", "b", "c"], [0, 0, 2]),
            "a class without rows has 1");
    }

    [TestMethod]
    public void BalancedTrainsAsTheSameWeightsByNameAndInOrder()
    {
        var rows = TableRow.Many(48);
        var counts = rows.GroupBy(row => row.Kind).ToDictionary(group => group.Key, group => group.Count());
        float[] weights = [.. counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (float)(48 / (3.0 * pair.Value)))];

        var balanced = Train(ClassWeights.Balanced);
        CollectionAssert.AreEqual(balanced, Train(ClassWeights.Of(weights)));
        CollectionAssert.AreEqual(balanced, Train(ClassWeights.Of([.. Enumerable.Range(0, 3).Select(k => ($"kind{k}", weights[k]))])));
        CollectionAssert.AreNotEqual(balanced, Train(ClassWeights.None));

        byte[] Train(ClassWeights classWeights)
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(
                SmallModules.Multiclass with
                {
                    Epochs = 2,
                    Validation = ValidationData.None,
                    Task = LearningTask.Multiclass(classWeights: classWeights)
                })
                .Fit(SmallModules.View(_ml, rows));
            return SmallModules.WeightsOf(model);
        }
    }

    [TestMethod]
    public void EveryLossLearnsFromMixedAndWeighedPictures()
    {
        foreach (var loss in new[] { ClassificationLoss.CrossEntropy(0.1f), ClassificationLoss.Focal(),
            ClassificationLoss.BinaryCrossEntropy(), ClassificationLoss.BinaryCrossEntropy(threshold: 0.2f) })
        {
            var photos = SmallPictures.Take(20)
                .Select((photo, row) => new WeightedPhoto { Label = photo.Label, ImagePath = photo.ImagePath, Weight = 0.5f + row % 3 });
            var options = SmallTraining.Options with
            {
                Epochs = 12,
                Augmentation = Augmentation.Sequence(Augmentation.MixUp(0.4f), Augmentation.CutMix()),
                Validation = ValidationData.Fraction(0.2f),
                Task = LearningTask.Multiclass(loss, ClassWeights.Balanced),
                ExampleWeightColumnName = "Weight",
            };
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options)
                .Fit(SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(photos)));

            Assert.IsGreaterThan(0.9, model.Report!.Epochs[^1].ValidationAccuracy!.Value, loss.ToString());
        }
    }

    [TestMethod]
    public void AWeightThatIsNoneNamesItsRow()
    {
        foreach (var (weight, said) in new[] { (-1f, "-1"), (float.NaN, "NaN"), (float.PositiveInfinity, "∞") })
        {
            var rows = TableRow.Many(20);
            foreach (var row in rows)
                row.Size = 1;
            rows[7].Size = weight;

            var message = Error<InvalidOperationException>(SmallModules.Multiclass with { ExampleWeightColumnName = "Size" }, rows);

            StringAssert.Contains(message, "Row 7 has the weight");
            StringAssert.Contains(message, "column 'Size'");
            StringAssert.Contains(message, "0 or above");
        }
    }

    [TestMethod]
    public void WeightColumnsThatAreMissingOrOfAnotherTypeAreNamed()
    {
        StringAssert.Contains(
            Error<ArgumentOutOfRangeException>(SmallModules.Multiclass with { ExampleWeightColumnName = "Missing" }, _rows),
            "example weight");
        StringAssert.Contains(
            Error<ArgumentOutOfRangeException>(SmallModules.Multiclass with { ExampleWeightColumnName = "Yes" }, _rows), "Single");
        StringAssert.Contains(
            Error<ArgumentOutOfRangeException>(SmallModules.Multiclass with { ExampleWeightColumnName = "Features" }, _rows), "'Features'");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => SmallTraining.Fit(_ml, SmallTraining.Options with { ExampleWeightColumnName = "Weight" }, SmallPictures.Take(4)))
                .Message, "'Weight'");

        var set = _ml.Transforms.DropColumns("Size").Fit(SmallModules.View(_ml, _rows)).Transform(SmallModules.View(_ml, _rows));
        StringAssert.Contains(Error<ArgumentOutOfRangeException>(
            SmallModules.Multiclass with { ExampleWeightColumnName = "Size", Validation = ValidationData.Set(set) },
            _rows), "validation example weight");
    }

    [TestMethod]
    public void RowsOfWhichNoneCountsAreNoTrainingAndNoValidation()
    {
        var options = SmallModules.Multiclass with { ExampleWeightColumnName = "Size" };
        StringAssert.Contains(
            Error<InvalidOperationException>(options with { Validation = ValidationData.None }, Weighted(TableRow.Many(12), _ => 0)),
            "All 12 training rows have weight 0");
        var set = SmallModules.View(_ml, Weighted(TableRow.Many(9), _ => 0));
        StringAssert.Contains(
            Error<InvalidOperationException>(options with { Validation = ValidationData.Set(set) }, _rows),
            "All 9 validation rows have weight 0");
    }

    [TestMethod]
    public void ClassWeightsOfOtherClassesAreRefused()
    {
        var unknown = Error<InvalidOperationException>(
            SmallModules.Multiclass with { Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(("kind7", 2))) }, _rows);
        StringAssert.Contains(unknown, "no class 'kind7'");
        StringAssert.Contains(unknown, "'kind0', 'kind1', 'kind2'");
        StringAssert.Contains(
            Error<InvalidOperationException>(
                SmallModules.Multiclass with { Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(1, 2)) }, _rows),
            "2 weights for 3 classes");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(
            () => SmallTraining.Fit(
                _ml, SmallTraining.Options with { Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(("cat", 2))) },
                SmallPictures.Take(4))).Message, "no class 'cat'");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => _ml.BinaryClassification.Trainers.FineTuneModule(
                    SmallModules.Binary with { Task = LearningTask.Binary(classWeights: ClassWeights.Of(1, 2, 3)) })).Message,
                "False, True");
    }

    [TestMethod]
    public void ClassWeightsOutOfRangeAreRefusedWhereTheyAreSaid()
    {
        foreach (var weight in new[] { 0, -1, float.NaN, float.PositiveInfinity })
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ClassWeights.Of(1, weight)).Message,
                "The weight of class 1 must be above 0.");
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ClassWeights.Of(("rare", weight))).Message,
                "The weight of class 'rare' must be above 0.");
        }
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ClassWeights.Of(("rare", 1), ("rare", 2))).Message, "twice");
        CollectionAssert.AreEqual(new[] { "None", "Balanced", "Of(rare: 1.5, other: 2)", "Of(1, 2.5)" },
            new[] { ClassWeights.None, ClassWeights.Balanced, ClassWeights.Of(("rare", 1.5f), ("other", 2)), ClassWeights.Of(1, 2.5f) }
                .Select(weights => weights.ToString()).ToArray());
    }

    private (double[] Losses, double[] Accuracies) Train(
        Func<ModuleFineTuningOptions, IDataView, FineTuningTransformer> fit, ModuleFineTuningOptions options, TableRow[] rows,
        TableRow[] validation)
    {
        using var model =
            fit((options with { Epochs = 10, BatchSize = 1000, Validation = ValidationData.Set(SmallModules.View(_ml, validation)) }),
                SmallModules.View(_ml, rows));
        var epochs = model.Report!.Epochs;
        return ([.. epochs.SelectMany(epoch => new[] { epoch.Loss, epoch.ValidationLoss!.Value })],
            [.. epochs.Select(epoch => epoch.ValidationAccuracy ?? 0)]);
    }

    private string Error<T>(ModuleFineTuningOptions options, TableRow[] rows)
        where T : Exception => Assert.ThrowsExactly<T>(
            () => _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows))).Message;

    private static TableRow[] Weighted(TableRow[] rows, Func<int, float> weight)
    {
        for (var row = 0; row < rows.Length; row++)
            rows[row].Size = weight(row);
        return rows;
    }

    private static TableRow[] Repeated(TableRow[] rows) => [.. rows.SelectMany(row => Enumerable.Repeat(row, (int)row.Size))];

    private sealed class WeightedPhoto
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public float Weight { get; set; }
    }
}
