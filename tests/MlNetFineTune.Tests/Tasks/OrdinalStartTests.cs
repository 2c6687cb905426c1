using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The ordinal head begins with the shares of the classes among the training rows, as the loss counts them.</summary>
[TestClass]
public sealed class OrdinalStartTests
{
    // So small a rate that no weight moves.
    private const float Nothing = 1e-20f;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TaskRow[] _rows = TaskRow.Alike(sevens: 6); // 24, 12 and 6

    [TestMethod]
    public void ProbabilitiesBeginAtTheSharesOfTheClasses()
    {
        using var model = Fit(Options);
        AssertBegins([24, 12, 6], model);
        var scores = SmallTraining.Scores(model.Transform(TaskRow.View(_ml, _rows.Take(1)))).Single();
        foreach (var (share, probability) in ((double[])[25 / 45.0, 13 / 45.0, 7 / 45.0]).Zip(scores))
            Assert.AreEqual(share, probability, 0.12, "features move the score a little from 0");
        Assert.AreEqual(1.0, model.Report!.Epochs.Single().Loss, 0.1, "the entropy of the shares, 0.97, and not that of chance, 1.10");
    }

    [TestMethod]
    public void WeightsOfClassesAndOfRowsCount()
    {
        using (var ofClasses = Fit(Options with { Task = LearningTask.Ordinal(ClassWeights.Of(1, 2, 4)) }))
            AssertBegins([14, 14, 14], ofClasses);
        foreach (var row in _rows)
            row.Weight = row.Grade == "large" ? 4 : 1;
        using var ofRows = Fit(Options with { ExampleWeightColumnName = "Weight" });
        AssertBegins([24 * 0.7, 12 * 0.7, 24 * 0.7], ofRows); // the sum is the number of rows
    }

    [TestMethod]
    public void BalancedEpochsBeginWithEqualShares()
    {
        using var model = Fit(Options with { Sampling = Sampling.Balanced });
        AssertBegins([0, 0, 0], model);
    }

    [TestMethod]
    public void AHeadAmongOthersBeginsWithTheSharesOfItsOwnRows()
    {
        foreach (var row in _rows.Where(row => row.Grade == "medium"))
            row.Grade = "";
        using var model = Fit(Options with
        {
            Task = LearningTask.Several(new("Yes", LearningTask.Binary()), new("Grade", LearningTask.Ordinal())),
        });
        AssertBegins([24, 0, 6], model);
    }

    [TestMethod]
    public void AHeadAmongOthersBeginsWithEqualSharesOnlyWhereEpochsAreBalancedByIt()
    {
        var options = Options with
        {
            Task = LearningTask.Several(new("Yes", LearningTask.Binary()), new("Grade", LearningTask.Ordinal())),
        };
        using (var byAnother = Fit(options with { Sampling = Sampling.BalancedBy("Yes") }))
            AssertBegins([24, 12, 6], byAnother);
        using var byGrade = Fit(options with { Sampling = Sampling.BalancedBy("Grade") });
        AssertBegins([0, 0, 0], byGrade);
    }

    private static ImageFineTuningOptions Options => TaskRow.Images("Ordinal") with
    {
        Epochs = 1,
        LearningRate = Nothing,
        Validation = ValidationData.None,
    };

    private FineTuningTransformer Fit(ImageFineTuningOptions options) =>
        (FineTuningTransformer)options.CreateTrainer(_ml).Fit(TaskRow.View(_ml, _rows));

    private static void AssertBegins(double[] counts, FineTuningTransformer model) => model.Scorer.Read(network => Fixture.AreClose(
        [.. CumulativeLogits.ParametersOf(counts).Select(value => (double)value)],
        network.NamedTensors().Single(named => named.Name.EndsWith(".thresholds", StringComparison.Ordinal)).Tensor.Values(), 1e-6,
        "threshold"));
}
