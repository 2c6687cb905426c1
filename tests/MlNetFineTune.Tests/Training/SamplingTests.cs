using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>Epochs in which all classes come equally often, in training.</summary>
[TestClass]
public sealed class SamplingTests
{
    private readonly MLContext _ml = new(seed: 1);

    // One yes for six no.
    private static TableRow[] Rare => [.. TableRow.Many(120).Where((row, i) => !row.Yes || i % 3 == 0)];

    private static ModuleFineTuningOptions Options =>
        SmallModules.Binary with { Epochs = 3, LearningRate = 0.01f, Validation = ValidationData.None, Sampling = Sampling.Balanced };

    [TestMethod]
    public void AnEpochHasAsManyPlacesAsThereAreRowsAndAllClassesHaveTheSameShare()
    {
        int[] rows = [10, 20, 30, 40, 50, 60, 70, 80];
        var counts = new Dictionary<int, int>();
        for (var epoch = 1; epoch <= 6; epoch++)
        {
            var order = Sampling.Balanced.Order(
                [.. rows], places => BalancedSampling.OfClasses([.. places.Select(row => row == 80 ? 1 : 0)]), 7, epoch);
            Assert.HasCount(8, order);
            Assert.AreEqual(4, order.Count(row => row == 80), "a rare row comes several times");
            foreach (var row in order)
                counts[row] = counts.GetValueOrDefault(row) + 1;
        }
        Assert.HasCount(8, counts, "no row is forgotten");
        CollectionAssert.AreEquivalent(rows, Sampling.Shuffled.Order([.. rows], balance: null, 7, epoch: 1));
    }

    [TestMethod]
    public void WhereNothingElseIsKnownTheProbabilityIsTheShareOfWhatWasSeen()
    {
        var rows = Rare;
        foreach (var row in rows)
            row.Features = new float[6];
        var view = SmallModules.View(_ml, rows);
        var options = Options with { Epochs = 30, LearningRate = 0.03f };
        using var plain = Fit(options with { Sampling = Sampling.Shuffled }, view);
        using var balanced = Fit(options, view);
        using var again = Fit(options, view);

        CollectionAssert.AreEqual(SmallModules.WeightsOf(balanced), SmallModules.WeightsOf(again), "the same seed, the same weights");
        var share = rows.Count(row => row.Yes) / (double)rows.Length;
        Assert.IsLessThan(0.25, share);
        Assert.AreEqual(share, plain.Transform(view).GetColumn<float>("Probability").Average(), 0.06);
        Assert.AreEqual(0.5, balanced.Transform(view).GetColumn<float>("Probability").Average(), 0.06, "half of what was seen is yes");
        Assert.AreEqual(plain.Report!.TrainingRows, balanced.Report!.TrainingRows);
    }

    [TestMethod]
    public void ATrainingThatWentOnHasTheSameWeights()
    {
        using var folder = new Folder();
        var view = SmallModules.View(_ml, Rare);
        using var whole = Fit(Options, view);
        var steps = 0;
        var dies = new Watcher(_ => steps = ++steps == 9 ? throw new DivideByZeroException() : steps);
        var options = Options with { Checkpoint = TrainingCheckpoint.EverySteps(folder.File("checkpoints"), steps: 1) };
        Assert.Throws<DivideByZeroException>(() => Fit(options with { Progress = dies }, view));

        using var resumed = Fit(options, view);

        Assert.IsNotNull(resumed.Report!.Resumed);
        CollectionAssert.AreEqual(SmallModules.WeightsOf(whole), SmallModules.WeightsOf(resumed));
        var other = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options with { Sampling = Sampling.Shuffled }, view));
        StringAssert.Contains(other.Message, "Sampling");
    }

    [TestMethod]
    public void ALabelThatIsNamedIsTheOneOfTheTask()
    {
        var view = SmallModules.View(_ml, Rare);
        using var balanced = Fit(Options with { Epochs = 1 }, view);
        using var named = Fit(Options with { Epochs = 1, Sampling = Sampling.BalancedBy("Yes") }, view);
        CollectionAssert.AreEqual(SmallModules.WeightsOf(balanced), SmallModules.WeightsOf(named));
        Assert.AreEqual("BalancedBy(Yes)", Training(named, "Sampling"));
        var other = Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { Sampling = Sampling.BalancedBy("Kind") }, view));
        StringAssert.Contains(other.Message, "the label of Binary is 'Yes', and not 'Kind': take Sampling.Balanced");
        CollectionAssert.AllItemsAreUnique(
            new[] { Sampling.Balanced, Sampling.Shuffled, Sampling.BalancedBy("a"), Sampling.BalancedBy("b") }
                .Select(MlNetFineTune.Primitives.CanonicalJson.Of).ToArray());
    }

    [TestMethod]
    public void PicturesAreBalancedByTheirClasses()
    {
        var photos = SmallPictures.Take(8).Where((photo, i) => photo.Label != "rings" || i == 1).ToArray();
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Sampling = Sampling.Balanced, Epochs = 1 }, photos);
        Assert.AreEqual("Balanced", Training(model, "Sampling"));
        Assert.AreEqual(photos.Length, model.Report!.TrainingRows);
    }

    [TestMethod]
    public void WhatHasNoClassesIsRefused()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Sampling = Sampling.Balanced }));
        StringAssert.Contains(error.Message,
            "Sampling.Balanced takes the rows of all classes equally often, and Regression has no classes");
        StringAssert.Contains(error.Message, "ExampleWeightColumnName");
        Assert.ThrowsExactly<ArgumentNullException>(() => SmallModules.Binary with { Sampling = null! });
    }

    private static string Training(FineTuningTransformer model, string option) => model.Manifest.Options[option];

    private FineTuningTransformer Fit(ModuleFineTuningOptions options, IDataView view) =>
        _ml.BinaryClassification.Trainers.FineTuneModule(options).Fit(view);
}
