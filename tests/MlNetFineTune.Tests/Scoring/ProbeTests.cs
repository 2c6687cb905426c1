using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A loaded model scores its probe alone and in a batch: where either is wrong, no row gets a score unsaid.</summary>
[TestClass]
public sealed class ProbeTests
{
    private const int Picture = 3 * 224 * 224;

    private static readonly float[] s_scores = [0.25f, 0.75f];

    private readonly MLContext _ml = new();

    [TestMethod]
    public void ARowOfTheBatchThatIsScoredOtherwiseThanAloneIsAnError()
    {
        var message = Assert.ThrowsExactly<InvalidDataException>(
            () => Check(count => Scores(count, wrong: count - 1 > 0 ? count - 1 : -1))).Message;

        StringAssert.Contains(message, "in a batch of 16 than alone");
        StringAssert.Contains(message, "ONEDNN_MAX_CPU_ISA=AVX");
    }

    [TestMethod]
    public void AScoreThatIsNoNumberIsADifference() =>
        Assert.ThrowsExactly<InvalidDataException>(
            () => Check(count => count == 1 ? s_scores : [.. Scores(count - 1, wrong: -1), float.NaN, float.NaN]));

    [TestMethod]
    public void ABatchOfTheSameScoresPasses()
    {
        var counts = new List<int>();
        Check(count =>
        {
            counts.Add(count);
            return Scores(count, wrong: -1);
        });
        Check(count => Scores(count, wrong: -1), numbers: 3 * 518 * 518,
            count => Assert.IsTrue(count is 1 or 2, "a large picture makes a small batch"));

        CollectionAssert.AreEqual(new[] { 1, 16 }, counts);
    }

    [TestMethod]
    public void AModuleThatMixesTheRowsOfABatchIsAWarningUnlessItIsToBeAnError()
    {
        var log = new LogLines(_ml);
        Check(count => Scores(count, wrong: count > 1 ? 0 : -1), onBatch: ProbeMismatch.Warn);

        StringAssert.Contains(log.Warnings.Single(), "mixes the rows of a batch");
    }

    [TestMethod]
    public void AModelTrainedInBFloat16ThatRunsInFloat32MayDifferFromItsTrainingButNotInABatch()
    {
        float[] near = [0.27f, 0.73f];
        Assert.ThrowsExactly<InvalidDataException>(() => Check(Rows));
        Check(Rows, tolerance: Probe.BFloat16Tolerance);

        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(
                () => Check(count => Scores(count, wrong: count > 1 ? 0 : -1), tolerance: Probe.BFloat16Tolerance)).Message,
            "at most 0.001 is expected. Either the network");

        float[] Rows(int count) => [.. Enumerable.Range(0, count).SelectMany(_ => near)];
    }

    [TestMethod]
    public void TheFormatOfTheTrainingDecidesHowFarStoredScoresMayBe()
    {
        using var loaded = SmallTraining.LoadModel(_ml);
        using var channel = ((IHostEnvironment)_ml).Start("Probe");
        var manifest = loaded.Manifest with { ProbeScores = [.. loaded.Manifest.ProbeScores.Select(score => score + 0.01f)] };

        Check(manifest with { UsesBFloat16 = true });
        Assert.ThrowsExactly<InvalidDataException>(() => Check(manifest));

        void Check(ModelManifest of) =>
            loaded.Scorer.Read(network => Probe.Check(channel, new FineTunedModel(network, loaded.Inputs, loaded.Task, of)));
    }

    private void Check(Func<int, float[]> score, int numbers = Picture, Action<int>? watch = null,
        ProbeMismatch onBatch = ProbeMismatch.Throw, float tolerance = Probe.Tolerance)
    {
        using var channel = ((IHostEnvironment)_ml).Start("Probe");
        Probe.Check(channel, "picture", numbers, count =>
        {
            watch?.Invoke(count);
            return score(count);
        }, s_scores, ProbeMismatch.Throw, onBatch, tolerance);
    }

    private static float[] Scores(int count, int wrong)
    {
        float[] scores = [.. Enumerable.Range(0, count).SelectMany(_ => s_scores)];
        if (wrong >= 0)
            scores[2 * wrong] += 0.01f;
        return scores;
    }
}
