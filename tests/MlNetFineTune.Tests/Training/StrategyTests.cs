using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

[TestClass]
public sealed class StrategyTests
{
    [TestMethod]
    public void FromAStageOnTrainsItAndAllAboveIt()
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);

        var part = Strategy.From("layer3", layerDecay: 0.5f).Resolve("resnet18", classifier.Stages, epochs: 2)
            .Resolve(classifier).Phases.Single();

        Assert.AreEqual(2, part.Epochs);
        Assert.AreEqual(classifier.Stages.ToList().IndexOf("layer3"), part.FrozenStages);
        foreach (var parameter in classifier.Parameters())
        {
            var expected = parameter.Name.Split('.')[0] switch { "fc" => 1, "layer4" => 0.5f, "layer3" => 0.25f, _ => 0 };
            Assert.AreEqual(expected, part.ScaleOf(parameter.Name), parameter.Name);
        }
    }

    [TestMethod]
    public void AStageThatIsNotThereIsNamedWithThoseThatAre()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => Strategy.From("layer5").Resolve("resnet18", Backbone.ResNet18.Stages, epochs: 1));

        StringAssert.Contains(error.Message, "From(layer5, layerDecay: 0.7): resnet18 has no such stage; it has: ");
        StringAssert.Contains(error.Message, "layer4");
    }

    // Of stage 0 to 4 and of the head; powers of a half are exact.
    private static IEnumerable<object[]> Rates { get; } =
    [
        [Strategy.HeadOnly, 5, new[] { 0, 0, 0, 0, 0, 1f }],
        [Strategy.LastStages(1, 0.5f), 4, new[] { 0, 0, 0, 0, 0.5f, 1 }],
        [Strategy.LastStages(5, 0.5f), 0, new[] { 0.03125f, 0.0625f, 0.125f, 0.25f, 0.5f, 1 }],
        [Strategy.Full(0.5f), 0, new[] { 0.03125f, 0.0625f, 0.125f, 0.25f, 0.5f, 1 }],
        [Strategy.Full(1), 0, new[] { 1f, 1, 1, 1, 1, 1 }],
    ];

    [TestMethod]
    [DynamicData(nameof(Rates))]
    public void EachStageHasItsFactorOfTheRate(Strategy strategy, int frozen, float[] expected)
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);
        Assert.HasCount(5, classifier.Stages);

        var part = strategy.Resolve("resnet18", classifier.Stages, epochs: 7).Resolve(classifier).Phases.Single();

        Assert.AreEqual((1, 7, 7, frozen, true), (part.FirstEpoch, part.Epochs, part.LastEpoch, part.FrozenStages, part.Augments));
        foreach (var parameter in classifier.Parameters())
            Assert.AreEqual(expected[parameter.Stage], part.ScaleOf(parameter.Name), parameter.Name);
    }

    [TestMethod]
    public void TheProbeAndThePartAfterItHaveTheirOwnRates()
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);

        var plan = Strategy.ProbeThenFull(probeRate: 4, fullRate: 0.5f, layerDecay: 0.5f)
            .Resolve("resnet18", classifier.Stages, epochs: 6).Resolve(classifier);

        Assert.AreEqual("1-3 5, 4-6 0",
            string.Join(", ", plan.Phases.Select(one => $"{one.FirstEpoch}-{one.LastEpoch} {one.FrozenStages}")));
        Assert.AreEqual(0, plan.FrozenStages);
        Assert.IsTrue(plan.Trains("layer4.0.conv1.weight"), "in one of two parts");
        Assert.IsFalse(Strategy.HeadOnly.Resolve("resnet18", classifier.Stages, 1).Resolve(classifier).Trains("layer4.0.conv1.weight"));
        Assert.AreEqual("0 4, 0.25 0.5", string.Join(", ", plan.Phases.Select(
            one => FormattableString.Invariant($"{one.ScaleOf("layer4.0.conv1.weight")} {one.ScaleOf("fc.weight")}"))));
    }

    [TestMethod]
    public void NormsAndBiasesTrainWithTheWholeHead()
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);

        var part = Strategy.NormAndBias.Resolve("resnet18", classifier.Stages, epochs: 1).Resolve(classifier).Phases.Single();

        foreach (var one in classifier.Parameters())
        {
            var trains = one.Name.StartsWith("fc.", StringComparison.Ordinal) || one.Parameter.ndim == 1;
            Assert.AreEqual(trains ? 1 : 0, part.ScaleOf(one.Name), one.Name);
        }
    }

    // The mode of the options; else that of the strategy, which freezes only statistics that were pretrained.
    [TestMethod]
    [DataRow(true, "Train", "Train Train")]
    [DataRow(true, "Frozen", "Frozen Frozen")]
    [DataRow(true, "ByStrategy", "Train Frozen")]
    [DataRow(false, "Train", "Train Train")]
    [DataRow(false, "ByStrategy", "Train Train")]
    public void StatisticsAreKeptWhereTheOptionsSaySoOrTheStrategyAndTheWeights(bool pretrained, string mode, string expected)
    {
        using var classifier = ImageNetwork.CreateEmpty(pretrained ? Backbone.ResNet18 : Backbone.ResNet18.FromScratch(), outputs: 3);
        Assert.AreEqual(pretrained, classifier.HasPretrainedStatistics);

        var plan = Strategy.ProbeThenFull().Resolve("resnet18", classifier.Stages, epochs: 2)
            .Resolve(classifier, Enum.Parse<BatchNormMode>(mode));

        Assert.AreEqual(expected, string.Join(' ', plan.Phases.Select(part => part.BatchNorm)));
    }

    [TestMethod]
    public void OnlyContrastiveTrainingHasPairs()
    {
        Assert.IsTrue(Strategy.ContrastiveThenProbe().TrainsPairs);
        Assert.IsFalse(Strategy.Full().TrainsPairs);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ContrastiveThenProbe(iterations: 0));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => Strategy.ContrastiveThenProbe(iterations: 4).Resolve("resnet18", Backbone.ResNet18.Stages, epochs: 4)).Message,
            "set Epochs, for example to 104, or lower iterations");
    }

    [TestMethod]
    public void OnlyTrainedParametersAndTheStatisticsBesideThemChange()
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);

        Assert.AreEqual("fc.weight fc.bias", Changing(Strategy.HeadOnly));
        var last = Changing(Strategy.Custom(name => name == "layer4.1.bn2.bias" ? 1 : 0)).Split(' ');
        CollectionAssert.Contains(last, "layer4.1.bn2.bias");
        CollectionAssert.Contains(last, "layer4.0.bn1.running_mean", "a statistic of the lowest stage that trains");
        CollectionAssert.DoesNotContain(last, "layer4.1.bn2.weight");
        CollectionAssert.DoesNotContain(last, "layer3.0.bn1.running_mean");
        CollectionAssert.DoesNotContain(last, "fc.weight");

        string Changing(Strategy strategy)
        {
            var plan = strategy.Resolve("resnet18", classifier.Stages, epochs: 1).Resolve(classifier);
            return string.Join(' ', plan.ChangingTensors(classifier).Select(named => named.Name));
        }
    }

    [TestMethod]
    public void ALayerWhoseOwnParametersAreFrozenStaysInInferenceMode()
    {
        using var classifier = ImageNetwork.CreateEmpty(Backbone.ResNet18, outputs: 3);
        var part = new PhaseRule(1, parameter => parameter.Name.StartsWith("layer2.", StringComparison.Ordinal) ? 1 : 0).On(classifier);

        ParameterGroups.Apply(part, classifier);
        classifier.BeginTraining(part.FrozenStages);

        foreach (var (path, layer) in classifier.Backbone.named_modules()
            .Where(named => named.module.named_parameters(recurse: false).Any()))
            Assert.AreEqual(path.StartsWith("layer2.", StringComparison.Ordinal), layer.training, path);
    }

    [TestMethod]
    [DataRow(10, 1, "1:0 1:1 1:2 1:3 6:4")]
    [DataRow(3, 1, "1:0 1:2 1:4")]
    [DataRow(1, 1, "1:4")]
    [DataRow(9, 2, "2:0 2:1 2:2 3:4")]
    public void StagesJoinOneByOneOrTogetherWhereEpochsAreFew(int epochs, int each, string expected)
    {
        string[] stages = ["stem", "layer1", "layer2", "layer3"];
        using var classifier = ImageNetwork.CreateEmpty(Backbone.Micro, outputs: 3);

        var plan = Strategy.Gradual(each).Resolve("micro", stages, epochs).Resolve(classifier);

        Assert.AreEqual(expected, string.Join(' ', plan.Phases.Select(part => $"{part.Epochs}:{4 - part.FrozenStages}")));
    }

    [TestMethod]
    [DataRow(10, 0.4f, "4 6")]
    [DataRow(2, 0.9f, "1 1")]
    [DataRow(5, 0.01f, "1 4")]
    public void TheProbeHasItsShareOfTheEpochsAndSeesNoAugmentation(int epochs, float share, string expected)
    {
        var plan = Strategy.ProbeThenFull(share).Resolve("micro", Backbone.Micro.Stages, epochs);

        Assert.AreEqual(expected, string.Join(' ', plan.Phases.Select(part => part.Epochs)));
        CollectionAssert.AreEqual(new[] { false, true }, plan.Phases.Select(part => part.Augments).ToArray());
    }

    [TestMethod]
    public void WhatMakesNoSenseIsSaid()
    {
        var ml = new MLContext(seed: 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => Strategy.ProbeThenFull().Resolve("micro", Backbone.Micro.Stages, epochs: 1)).Message, "needs at least 2 epochs");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ProbeThenFull(probe: 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ProbeThenFull(fullRate: float.NaN));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ProbeThenFull(probeRate: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ProbeThenFull(probe: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ProbeThenFull(fullRate: float.PositiveInfinity));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.Gradual(epochsEach: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.LastStages(0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.Full(layerDecay: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.Full(layerDecay: 1.01f));
        Assert.ThrowsExactly<ArgumentException>(() => Strategy.From(" "));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => Strategy.LastStages(6).Resolve("resnet18", Backbone.ResNet18.Stages, 1)).Message,
            "Strategy.LastStages(6): resnet18 has 5 stages: ");
        Assert.ThrowsExactly<ArgumentNullException>(() => Strategy.Custom(null!));
        StringAssert.Contains(Fails(Strategy.Custom(_ => -1)), "the rule gives -1 for 'layer1.0.conv1.weight'");
        StringAssert.Contains(Fails(Strategy.Custom(_ => float.PositiveInfinity)), "the rule gives Infinity for");
        StringAssert.Contains(Fails(Strategy.Custom(_ => 0)), "parameters of micro, such as 'layer1.0.conv1.weight'");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => ml.MulticlassClassification.Trainers.FineTuneImages(
                    SmallTraining.Options with { BatchNorm = BatchNormMode.Frozen })).Message,
            "BatchNormMode.Frozen keeps pretrained statistics, and micro (random weights) has none");

        string Fails(Strategy strategy) =>
            Assert.ThrowsExactly<ArgumentException>(
                () => SmallTraining.Fit(ml, SmallTraining.Options with { Strategy = strategy }, SmallPictures.Take(4))).Message;
    }

    [TestMethod]
    public void EveryStrategyTrainsAndKeepsTheBestEpochOfAllItsParts()
    {
        var ml = new MLContext(seed: 1);
        foreach (var strategy in (Strategy[])[
            Strategy.Gradual(), Strategy.ProbeThenFull(), Strategy.NormAndBias,
            Strategy.Custom(name => name.Contains("bn", StringComparison.Ordinal) ? 0 : 1)])
        {
            using var model = SmallTraining.Fit(ml, SmallTraining.Options with
            {
                Strategy = strategy,
                Epochs = 5,
                Validation = ValidationData.Fraction(0.25f),
                Augmentation = Augmentation.Light,
            }, SmallPictures.Take(16));

            var report = model.Report!;
            Assert.HasCount(5, report.Epochs);
            Assert.AreEqual(report.Epochs.Min(epoch => epoch.ValidationLoss), report.Epochs[report.BestEpoch - 1].ValidationLoss,
                strategy.ToString());
            Assert.AreEqual(strategy == Strategy.NormAndBias, report.TrainedParameters < report.FrozenParameters / 10, strategy.ToString());
        }
    }

    [TestMethod]
    public void EarlyStoppingWaitsForTheLastPart()
    {
        var ml = new MLContext(seed: 1);
        var options = SmallTraining.Options with
        {
            Strategy = Strategy.ProbeThenFull(probe: 0.5f),
            Epochs = 8,
            LearningRate = 1e-12f, // nothing improves after the first epoch
            Validation = ValidationData.Fraction(0.25f),
            EarlyStoppingPatience = 2,
        };
        using var model = SmallTraining.Fit(ml, options, SmallPictures.Take(8));

        Assert.AreEqual(TrainingReport.EndReason.EarlyStopped, model.Report!.End);
        Assert.HasCount(6, model.Report.Epochs, "four of the probe, two of the rest");
    }

    private static IEnumerable<object[]> Norms { get; } =
    [
        [Strategy.Full(), BatchNormMode.Frozen, false],
        [Strategy.Full(), BatchNormMode.ByStrategy, true],
        [Strategy.ProbeThenFull(), BatchNormMode.ByStrategy, false],
        [Strategy.ProbeThenFull(), BatchNormMode.Train, true],
    ];

    [TestMethod]
    [DynamicData(nameof(Norms))]
    public void FrozenBatchNormKeepsItsStatisticsWhileItsScaleTrains(Strategy strategy, BatchNormMode batchNorm, bool statisticsMove)
    {
        var ml = new MLContext(seed: 1);
        using var first = SmallTraining.LoadModel(ml);
        using var second = SmallTraining.Fit(
            ml, SmallTraining.Options with { Backbone = Backbone.FromModel(first), Strategy = strategy, BatchNorm = batchNorm, Epochs = 2 },
            SmallPictures.Take(6));
        var (before, after) = (Tensors(first), Tensors(second));

        foreach (var (name, values) in before.Where(one => one.Key.Contains("bn", StringComparison.Ordinal)))
            Assert.AreEqual(statisticsMove || !name.Contains("running", StringComparison.Ordinal),
                !values.SequenceEqual(after[name]), name);

        static Dictionary<string, double[]> Tensors(FineTuningTransformer model)
        {
            var tensors = new Dictionary<string, double[]>();
            model.Scorer.Read(network => tensors = network.NamedTensors()
                .ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal));
            return tensors;
        }
    }

    [TestMethod]
    public void TheDescriptionSaysWhatTrainsWhenAndHowFast()
    {
        var text = (SmallTraining.Options with { Strategy = Strategy.ProbeThenFull(probe: 0.5f), Epochs = 4, LearningRate = 0.001f })
            .Describe(outputs: 10).ReplaceLineEndings("\n");

        StringAssert.Contains(text, "Epochs 1 to 2: 1,290 of ");
        StringAssert.Contains(text, ", without augmentation\n  stem             frozen\n");
        StringAssert.Contains(text, "  head                    1,290 at learning rate 3e-3: all\n");
        StringAssert.Contains(text, "Epochs 3 to 4: ");
        StringAssert.Contains(text[text.IndexOf("Epochs 3 to 4: ", StringComparison.Ordinal)..],
            "  head                    1,290 at learning rate 3e-4: all\n");
        StringAssert.Contains(text, "(100 %)");
        Assert.DoesNotContain("statistics", text, "random weights have none");
        StringAssert.Contains((SmallTraining.Options with { Strategy = Strategy.NormAndBias }).Describe(), "bn1.weight, bn1.bias");
        StringAssert.Contains((SmallTraining.Options with { Adapter = Adapter.Lora(rank: 2) }).Describe(), "lora_A.weight");
    }
}
