using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>Every schedule at every step against PyTorch's schedulers (tools/reference/schedules_fixture.py).</summary>
[TestClass]
public sealed class LearningRateScheduleTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("schedules.json");

    public static IEnumerable<object[]> Runs => Enumerable.Range(0, s_fixture.GetArrayLength())
        .Select(index => new object[] { index, s_fixture[index].Text("schedule") });

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void EveryStepHasPyTorchsRate(int index, string name)
    {
        var run = s_fixture[index];
        var (schedule, steps) = (Create(run), (int)run.Number("steps"));
        var losses = run.TryGetProperty("losses", out var found) ? found.Numbers() : [];
        var stepsPerEpoch = losses.Length > 0 ? (int)run.Number("stepsPerEpoch") : steps;

        var factors = Enumerable.Range(0, steps).Select(step => schedule.FactorAt(step, steps, losses[..(step / stepsPerEpoch)])).ToArray();

        Assert.HasCount(steps, run.GetProperty("factors").Numbers());
        Fixture.AreClose(run.GetProperty("factors").Numbers(), factors, 1e-11, $"factor of {schedule} ({name}) at step");
    }

    [TestMethod]
    public void TheCosineWithWarmUpHasTheReferencesFactors()
    {
        var factors = Enumerable.Range(0, 20).Select(step => LearningRateSchedule.Cosine(0.2f).FactorAt(step, 20)).ToArray();
        Fixture.AreClose(Fixture.Read("training.json").GetProperty("factors").Numbers(), factors, 1e-8, "factor");
    }

    [TestMethod]
    public void WithoutWarmUpTheCosineBeginsAtOneIsHalfInTheMiddleAndEndsAtZero()
    {
        var cosine = LearningRateSchedule.Cosine(0);
        Assert.AreEqual((1.0, 0.5, 0.0), (cosine.FactorAt(0, 100), Math.Round(cosine.FactorAt(50, 100), 12), cosine.FactorAt(100, 100)));
        Assert.AreEqual(1, cosine.FactorAt(0, 1));
        Assert.AreEqual(1, LearningRateSchedule.Constant().FactorAt(99, 100));
    }

    [TestMethod]
    public void ARunOfOneStepLearnsAtTheFullRateAndStepsBeyondTheLastHaveItsRate()
    {
        foreach (var schedule in new[] { LearningRateSchedule.Constant(), LearningRateSchedule.Cosine(), LearningRateSchedule.Linear(),
            LearningRateSchedule.Step(), LearningRateSchedule.OneCycle(), LearningRateSchedule.Plateau() })
        {
            Assert.AreEqual(1, schedule.FactorAt(0, 1), schedule.ToString());
            for (var steps = 1; steps < 50; steps++)
            {
                var factors = Enumerable.Range(0, steps + 1).Select(step => schedule.FactorAt(step, steps)).ToArray();
                Assert.IsTrue(factors.All(factor => factor is >= 0 and <= 1), $"{schedule} of {steps} steps: {string.Join(" ", factors)}");
                Assert.IsLessThanOrEqualTo(factors[^2], factors[^1], $"{schedule} of {steps} steps");
            }
        }
    }

    [TestMethod]
    public void APartOfAPlanHasTheEpochsBeforeIt()
    {
        // Its schedule hears of the validation losses after these alone.
        PhaseRule[] parts = [.. new[] { 3, 2, 4 }.Select(epochs => PhaseRule.Of(stages: 4, trained: 0, layerDecay: 1, epochs))];
        using var network = ImageNetwork.CreateEmpty(Backbone.Micro, outputs: 3);
        var plan = new PlanRules(parts).Resolve(network);

        CollectionAssert.AreEqual(new[] { 1, 4, 6 }, plan.Phases.Select(phase => phase.FirstEpoch).ToArray());
        CollectionAssert.AreEqual(new[] { 3, 5, 9 }, plan.Phases.Select(phase => phase.LastEpoch).ToArray());
    }

    [TestMethod]
    public void APlateauLowersTheRateOfATraining()
    {
        var ml = new MLContext(seed: 1);
        // Nothing can improve at such a rate, so that every epoch after the first is one without progress.
        using var model = ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with
        {
            Epochs = 6,
            LearningRate = 1e-12f,
            Schedule = LearningRateSchedule.Plateau(factor: 0.5f, patience: 1),
            Validation = ValidationData.Fraction(0.25f),
        }).Fit(SmallModules.View(ml, TableRow.Many(60)));

        var rates = model.Report!.Epochs.Select(epoch => epoch.LearningRate / 1e-12).ToArray();
        Fixture.AreClose([1, 1, 1, 0.5, 0.5, 0.25], rates, 1e-9, "rate in epoch");
    }

    [TestMethod]
    [DataRow(-0.1f)]
    [DataRow(1f)]
    [DataRow(float.NaN)]
    public void AWarmUpThatIsNoShareIsRefused(float warmup)
    {
        foreach (var make in (Func<float, LearningRateSchedule>[])[
            LearningRateSchedule.Constant, LearningRateSchedule.Cosine, LearningRateSchedule.Linear,
            w => LearningRateSchedule.Step(warmup: w), w => LearningRateSchedule.OneCycle(w), w => LearningRateSchedule.Plateau(warmup: w)])
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make(warmup)).Message, "at least 0 and below 1");
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        foreach (var factor in new[] { 0, 1, -1, float.NaN })
        {
            Refuses(() => LearningRateSchedule.Step(factor: factor), "The factor must be above 0 and below 1.");
            Refuses(() => LearningRateSchedule.Plateau(factor), "The factor must be above 0 and below 1.");
        }
        foreach (var divisor in new[] { 0.5f, float.NaN, float.PositiveInfinity })
        {
            Refuses(() => LearningRateSchedule.OneCycle(initialDivisor: divisor), "initialDivisor");
            Refuses(() => LearningRateSchedule.OneCycle(finalDivisor: divisor), "finalDivisor");
        }
        Refuses(() => LearningRateSchedule.Step(phases: 1), "phases");
        Refuses(() => LearningRateSchedule.Plateau(patience: -1), "patience");
        CollectionAssert.AreEqual(
            new[] { "Constant(warmup: 0)", "Cosine(warmup: 0.05)", "Linear(warmup: 0.05)", "Step(phases: 3, factor: 0.1, warmup: 0)",
                "OneCycle(warmup: 0.3, initialDivisor: 25, finalDivisor: 10000)", "Plateau(factor: 0.1, patience: 2, warmup: 0)" },
            new[] { LearningRateSchedule.Constant(), LearningRateSchedule.Cosine(), LearningRateSchedule.Linear(),
                LearningRateSchedule.Step(), LearningRateSchedule.OneCycle(), LearningRateSchedule.Plateau() }.Select(s => s.ToString())
                .ToArray());
    }

    [TestMethod]
    public void APlateauThatOtherOptionsContradictIsRefusedBeforeTraining()
    {
        var ml = new MLContext();
        var options = SmallModules.Multiclass with { Schedule = LearningRateSchedule.Plateau(patience: 3) };

        StringAssert.Contains(Error(options with { Validation = ValidationData.None }), "Plateau needs validation");
        StringAssert.Contains(Error(options with { EarlyStoppingPatience = 4 }), "EarlyStoppingPatience 4");
        Assert.IsNotNull(ml.MulticlassClassification.Trainers.FineTuneModule(options with { EarlyStoppingPatience = 5 }));

        string Error(ModuleFineTuningOptions wrong) =>
            Assert.ThrowsExactly<ArgumentException>(() => ml.MulticlassClassification.Trainers.FineTuneModule(wrong)).Message;
    }

    private static LearningRateSchedule Create(JsonElement run)
    {
        var warmup = (float)run.Number("warmup");
        return run.Text("schedule") switch
        {
            "Constant" => LearningRateSchedule.Constant(warmup),
            "Cosine" => LearningRateSchedule.Cosine(warmup),
            "Linear" => LearningRateSchedule.Linear(warmup),
            "Step" => LearningRateSchedule.Step((int)run.Number("phases"), (float)run.Number("factor"), warmup),
            "OneCycle" => LearningRateSchedule.OneCycle(warmup, (float)run.Number("initialDivisor"), (float)run.Number("finalDivisor")),
            _ => LearningRateSchedule.Plateau((float)run.Number("factor"), (int)run.Number("patience"), warmup),
        };
    }

    private static void Refuses(Func<object> make, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
}
