using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>
/// Classes with few rows, of images and of modules: where nothing but the frequency of the labels can be learnt, a trained model's
/// probabilities are the shares of what it saw, by the weights that the loss gave it.
/// </summary>
[TestClass]
public sealed class ImbalanceTests
{
    private const double Tolerance = 0.06;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TaskRow[] _rows = TaskRow.Alike(sevens: 8);

    public static IEnumerable<object[]> Kinds =>
    [
        [TaskRow.Images("Binary")], [TaskRow.Images("Multiclass")], [TaskRow.Images("Ordinal")], [TaskRow.Images("MultiLabel")],
        [TaskRow.Module("Binary")], [TaskRow.Module("Multiclass")], [TaskRow.Module("Ordinal")], [TaskRow.Module("MultiLabel")],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds), DynamicDataDisplayName = nameof(NameOf))]
    public void BalancedEpochsTeachThatAllLabelsAreEquallyFrequent(FineTuningOptions options)
    {
        Check(SharesOf(options), options with { Sampling = Sampling.Shuffled });
        Check(EqualSharesOf(options), options with { Sampling = Sampling.Balanced });
    }

    [TestMethod]
    [DynamicData(nameof(Kinds), DynamicDataDisplayName = nameof(NameOf))]
    public void WeightsOfTheClassesInTheLossTeachTheSame(FineTuningOptions options)
    {
        var task = options.Task!.Name switch
        {
            "Binary" => LearningTask.Binary(ClassWeights.Balanced),
            "Multiclass" => LearningTask.Multiclass(classWeights: ClassWeights.Balanced),
            "Ordinal" => LearningTask.Ordinal(ClassWeights.Balanced),
            _ => LearningTask.MultiLabel(PositiveWeights.Balanced()),
        };
        // All rows in one batch: a weighted mean over few rows leans to the class that a batch may lack.
        var whole = options with { Task = task, BatchSize = _rows.Length, Epochs = 100 };
        // Positive weights make each label as frequent as its absence.
        Check(task.Name == "MultiLabel" ? [0.5, 0.5] : EqualSharesOf(options), whole);
    }

    [TestMethod]
    public void BalancedEpochsAreTheSameForTheSameSeed()
    {
        var options = TaskRow.Images("Ordinal") with { Sampling = Sampling.Balanced, Epochs = 2 };
        using var first = Fit(options);
        using var second = Fit(options);
        using var other = Fit(options with { Seed = 2 });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        CollectionAssert.AreNotEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(other));
    }

    public static IEnumerable<object[]> SeveralKinds => [[TaskRow.Images("Several")], [TaskRow.Module("Several")]];

    [TestMethod]
    [DynamicData(nameof(SeveralKinds), DynamicDataDisplayName = nameof(NameOf))]
    public void EpochsAreBalancedByTheHeadThatIsNamed(FineTuningOptions options)
    {
        using (var plain = Fit(options))
        {
            AssertShares([1 / 7.0], plain, "YesProbability");
            AssertShares([4 / 7.0, 2 / 7.0, 1 / 7.0], plain, "GradeScore");
        }
        using (var byYes = Fit(options with { Sampling = Sampling.BalancedBy("Yes") }))
        {
            AssertShares([0.5], byYes, "YesProbability");
            AssertShares([0.5, 5 / 12.0], byYes, "TagsScore"); // every yes has the rare tag, and five in six of the others a common one
        }
        using (var byGrade = Fit(options with { Sampling = Sampling.BalancedBy("Grade") }))
        {
            AssertShares([1 / 3.0, 1 / 3.0, 1 / 3.0], byGrade, "GradeScore");
            AssertShares([1 / 12.0], byGrade, "YesProbability"); // a quarter of the small ones
        }
        using (var byTags = Fit(options with { Sampling = Sampling.BalancedBy("Tags") }))
            AssertShares([1 / 3.0, 1 / 3.0], byTags, "TagsScore");
    }

    [TestMethod]
    public void RowsThatLackTheLabelAreAKindOfTheirOwn()
    {
        foreach (var row in _rows.Where(row => row.Grade == "medium"))
            row.Grade = "";
        using var model = Fit(TaskRow.Module("Several") with { Sampling = Sampling.BalancedBy("Grade") });

        AssertShares([0.5, 0, 0.5], model, "GradeScore"); // a third of the places each: small, large, none
        AssertShares([1 / 12.0], model, "YesProbability");
    }

    [TestMethod]
    public void AnOrderByAHeadIsThatOfItsLabelAlone()
    {
        var view = TaskRow.View(_ml, _rows);
        var task = TaskRow.TaskOf("Several").Bind(view.Schema, new TaskColumns("Label"));
        // Grade, number, yes, rare, common
        float[] labels = [.. _rows.SelectMany((row, i) => (float[])[i % 5 == 0 ? float.NaN : i % 3, i, row.Yes ? 1 : 0, 0, 1])];
        int[] all = [.. Enumerable.Range(0, _rows.Length)];
        var subset = new MlNetFineTune.Data.RowSubset(
            new(inputs: null!, labels, [.. all.Select(row => (long)row)], groups: null, 0, weights: null, labelWidth: 5), all);

        CollectionAssert.AreEqual(
            BalancedSampling.OfClasses([.. all.Select(i => i % 5 == 0 ? 3 : i % 3)]).Order(7, 2),
            task.Balance(subset, all, "Grade").Order(7, 2));
        CollectionAssert.AreEqual(
            BalancedSampling.OfClasses([.. _rows.Select(row => row.Yes ? 1 : 0)]).Order(7, 2),
            task.Balance(subset, all, "Yes").Order(7, 2));
    }

    [TestMethod]
    public void RowsThatLackTheLabelSetAreNotThoseOfAnEmptyOne()
    {
        var view = TaskRow.View(_ml, _rows);
        var task = TaskRow.TaskOf("Several").Bind(view.Schema, new TaskColumns("Label"));
        // Grade, number, yes, rare, common; a row of six has no tags, and one of six is without the label.
        float[][] tags = [[1, 0], [0, 1], [1, 1], [0, 1], [0, 0], [float.NaN, float.NaN]];
        const int Rows = 60;
        float[] labels = [.. Enumerable.Range(0, Rows).SelectMany(i => (float[])[i % 3, i, i % 2, .. tags[i % 6]])];
        int[] all = [.. Enumerable.Range(0, Rows)];
        var subset = new MlNetFineTune.Data.RowSubset(
            new(inputs: null!, labels, [.. all.Select(row => (long)row)], groups: null, 0, weights: null, labelWidth: 5), all);

        var order = task.Balance(subset, all, "Tags").Order(7, 2);

        // Rare, common, missing and none: a quarter of the places each.
        Assert.AreEqual(Rows / 4, order.Count(row => row % 6 == 4));
        Assert.AreEqual(Rows / 4, order.Count(row => row % 6 == 5));
    }

    public static string NameOf(System.Reflection.MethodInfo method, object[] data) =>
        $"{method.Name} ({data[0].GetType().Name}, {((FineTuningOptions)data[0]).Task!.Name})";

    private void Check(double[] expected, FineTuningOptions options)
    {
        using var model = Fit(options);
        AssertShares(expected, model, options.Task!.Name == "Binary" ? "Probability" : "Score");
    }

    private void AssertShares(double[] expected, FineTuningTransformer model, string column)
    {
        var scored = model.Transform(TaskRow.View(_ml, _rows.Take(1)));
        float[] actual = scored.Schema[column].Type is VectorDataViewType
            ? scored.GetColumn<float[]>(column).Single()
            : [.. scored.GetColumn<float>(column)];
        Assert.HasCount(expected.Length, actual);
        foreach (var (share, probability) in expected.Zip(actual))
            Assert.AreEqual(share, probability, Tolerance, $"{column}: {string.Join(" ", actual)}");
    }

    private FineTuningTransformer Fit(FineTuningOptions options) => (FineTuningTransformer)
        (options with { Validation = ValidationData.None }).CreateTrainer(_ml).Fit(TaskRow.View(_ml, _rows));

    private static double[] SharesOf(FineTuningOptions options) => options.Task!.Name switch
    {
        "Binary" => [1 / 7.0],
        "MultiLabel" => [1 / 7.0, 5 / 7.0],
        _ => [4 / 7.0, 2 / 7.0, 1 / 7.0],
    };

    private static double[] EqualSharesOf(FineTuningOptions options) => options.Task!.Name switch
    {
        "Binary" => [0.5],
        "MultiLabel" => [1 / 3.0, 1 / 3.0], // rare, common, and rows without
        _ => [1 / 3.0, 1 / 3.0, 1 / 3.0],
    };
}
