using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Activations that are computed again change the memory of a training and nothing else: every bit is that of the plain run,
/// its naive twin.</summary>
[TestClass]
public sealed class RecomputedStagesTests
{
    private static readonly ImageFineTuningOptions s_options =
        SmallTraining.Options with
        {
            Augmentation = Augmentation.Light,
            Validation = ValidationData.Fraction(
            0.25f),
            Epochs = 3,
            BatchSize = 6
        };

    private static readonly Photo[] s_photos = SmallPictures.Take(8);

    private readonly MLContext _ml = new();

    public static IEnumerable<object[]> Trainings =>
    [
        ["full", s_options],
        ["frozen stages, cached features", s_options with { Strategy = Strategy.LastStages(3), Augmentation = Augmentation.None }],
        ["one stage", s_options with { Strategy = Strategy.LastStages(1) }],
        ["head only", s_options with { Strategy = Strategy.HeadOnly }],
        ["parts", s_options with { Strategy = Strategy.Gradual() }],
        ["norms and biases, frozen statistics",
            s_options with { Strategy = Strategy.NormAndBias, Backbone = Pretrained, BatchNorm = BatchNormMode.Frozen }],
        ["a stage between that does not train",
            s_options with { Strategy = Strategy.Custom(name => name.StartsWith("layer1.", StringComparison.Ordinal) ? 1 : 0) }],
        ["accumulating, averaging, clipping",
            s_options with { BatchSize = 3, AccumulationSteps = 2, WeightAveraging = WeightAveraging.Exponential(0.9f),
                GradientClipping = GradientClipping.Norm(0.5f), Optimizer = Optimizer.Sgd() }],
        ["adapters that drop", s_options with { Adapter = Adapter.Lora(2, dropout: 0.4f) }],
        ["layers that drop", s_options
            with { Backbone = SmallTraining.Backbone.ReplaceStage("layer1", new SmallLayersFactory { Dropout = 0.4 })
                .ReplaceStage("layer2", new SmallLayersFactory { Dropout = 0.3 }) }],
    ];

    private static Backbone Pretrained
    {
        get
        {
            var path = Path.Combine(SmallPictures.NewFolder(), "micro.safetensors");
            using var model = SmallTraining.LoadModel(new MLContext());
            model.SaveWeights(path);
            return Backbone.Micro.WithWeights(path) with { Preprocessing = SmallTraining.Backbone.Preprocessing };
        }
    }

    [TestMethod]
    [DataRow("micro", 0, ScalarType.Float32)]
    [DataRow("micro", 0, ScalarType.Float64)]
    [DataRow("micro", 2, ScalarType.Float32)]
    [DataRow("micro", 4, ScalarType.Float32)] // the head alone
    [DataRow("mobilenetv2", 0, ScalarType.Float32)]
    [DataRow("mobilenetv2", 5, ScalarType.Float32)]
    [DataRow("densenet", 0, ScalarType.Float32)]
    [DataRow("convnext", 0, ScalarType.Float32)]
    [DataRow("vit", 0, ScalarType.Float32)]
    [DataRow("bottleneck", 1, ScalarType.Float64)]
    [DataRow("efficientnet", 0, ScalarType.Float32)]
    [DataRow("mobilenetv3_small", 0, ScalarType.Float64, 1e-12)] // its last stage begins with an average
    public void OutputsGradientsAndStatisticsAreThoseOfThePlainRun(string network, int first, ScalarType type, double tolerance = 0)
    {
        using var classifier = Formula.Classifier(network, 1, "symmetric", network == "vit" ? 1e-6 : 1e-5, type);
        classifier.BeginTraining(first);
        using var scope = NewDisposeScope();
        using var picture = ChannelsLast.Of(Formula.Images(4, 64, 64, type: type));
        Tensor input;
        using (no_grad())
            input = classifier.ForwardFirst(picture, first);
        var before = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.clone());
        var labels = tensor([0L, 1, 2, 3]);

        var expected = Step(() => classifier.ForwardInTraining(input, first, seed: 1, step: 0), () => { });
        using (no_grad())
        {
            foreach (var (name, tensor) in classifier.NamedTensors())
                tensor.copy_(before[name]);
        }
        var recomputed = new CheckpointedStages(
            classifier, first, frozen: first, seed: 1,
            (inputs, stage, batch) => classifier.ForwardInTraining(inputs, stage, seed: 1, batch));
        var actual = Step(() => recomputed.Forward(input, batch: 0), () => recomputed.Backward());

        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach (var (name, values) in expected)
            Fixture.AreClose(values, actual[name], tolerance, $"{network} from stage {first}: {name}");
        var reached = classifier.NamedParameters().Where(named => classifier.StageOf(named.Name) >= first)
            .Select(named => $"gradient of {named.Name}");
        CollectionAssert.IsSubsetOf(reached.ToArray(), expected.Keys);
        foreach (var (name, tensor) in classifier.NamedTensors()
            .Where(named => named.Name.EndsWith("running_mean", StringComparison.Ordinal)))
            Assert.AreEqual(classifier.StageOf(name) >= first, !before[name].Values().SequenceEqual(tensor.Values()), name);

        Dictionary<string, double[]> Step(Func<Tensor> forward, Action back)
        {
            var outputs = forward();
            nn.functional.cross_entropy(outputs, labels).backward();
            back();
            var seen = DirectTraining.Tensors(classifier);
            seen["outputs"] = outputs.Values();
            foreach (var (name, parameter) in classifier.NamedParameters())
            {
                if (parameter.grad is { } gradient)
                    seen[$"gradient of {name}"] = gradient.Values();
                parameter.grad = null;
            }
            return seen;
        }
    }

    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void ATrainingGivesTheSameBits(string name, ImageFineTuningOptions options)
    {
        using var expected = SmallTraining.Fit(_ml, options, s_photos);
        using var actual = SmallTraining.Fit(_ml, options with { ActivationCheckpointing = true }, s_photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(actual), name);
        CollectionAssert.AreEqual(expected.Report!.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray(),
            actual.Report!.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray());
    }

    [TestMethod]
    public void ATrainingMayGoOnWithItOrWithout()
    {
        var options = s_options with { Adapter = Adapter.Lora(2, dropout: 0.4f) };
        using var whole = SmallTraining.Fit(_ml, options, s_photos);
        var checkpointed = options with { Checkpoint = TrainingCheckpoint.EverySteps(SmallPictures.NewFolder(), steps: 1) };
        foreach (var recomputes in (bool[])[true, false, true])
        {
            var lived = 0;
            var dies = new Watcher(progress => _ = ++lived == 3 ? throw new DivideByZeroException() : 0);
            Assert.Throws<DivideByZeroException>(
                () => SmallTraining.Fit(_ml, checkpointed with { ActivationCheckpointing = recomputes, Progress = dies }, s_photos));
        }

        using var model = SmallTraining.Fit(_ml, checkpointed with { ActivationCheckpointing = true }, s_photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
    }

    [TestMethod]
    public void LayersOfAUsersRunTwiceFromTheSameStateAndMayChangeWhatTheyAreGiven()
    {
        var options = s_options with
        {
            Epochs = 1,
            Validation = ValidationData.None,
            Backbone = SmallTraining.Backbone.ReplaceStage(
            "stem", new AnyFactory())
        };
        var (plain, plainRuns) = Fit(false);
        var (recomputed, runs) = Fit(true);

        using (plain)
        using (recomputed)
        {
            Assert.AreEqual(4, plainRuns);
            Assert.AreEqual(2 * 4, runs);
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(recomputed));
        }

        // A state that grows with every run and is part of the result, on numbers that are changed in place.
        (FineTuningTransformer Model, int Runs) Fit(bool recomputes)
        {
            var runs = 0;
            AnyFactory.Make = context => new Growing(() => runs++);
            return (SmallTraining.Fit(_ml, options with { ActivationCheckpointing = recomputes, BatchSize = 6 }, s_photos), runs);
        }
    }

    [TestMethod]
    public void WhereALayerDetachesNothingBelowTrains()
    {
        AnyFactory.Make = _ => new Lambda(5, 5, (_, maps) => Halved(maps.detach()));
        var options = s_options with { Epochs = 1, Backbone = SmallTraining.Backbone.ReplaceStage("layer1", new AnyFactory()) };
        using var plain = SmallTraining.Fit(_ml, options, s_photos);
        using var recomputed = SmallTraining.Fit(_ml, options with { ActivationCheckpointing = true }, s_photos);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(recomputed));
    }

    [TestMethod]
    public void WhatFailsTheSecondTimeIsNamed()
    {
        StringAssert.Contains(Fails((maps, again) => again ? throw new InvalidOperationException("not twice") : maps),
            "Stage 'layer1' of micro ran, and failed when ActivationCheckpointing ran it a second time: not twice");
        StringAssert.Contains(Fails((maps, again) => again ? maps.view(1, 2, 3) : maps),
            "failed when ActivationCheckpointing ran it a second time: shape '[1, 2, 3]' is invalid");
        StringAssert.Contains(Fails((maps, again) => again ? maps.narrow(0, 0, 1) : maps),
            "Stage 'layer1' of micro gave [6, 32, 8, 8], and [1, 32, 8, 8] when ActivationCheckpointing ran it a second time");

        string Fails(Func<Tensor, bool, Tensor> forward)
        {
            AnyFactory.Make = _ => new Lambda(5, 5, (_, maps) => forward(Halved(maps), is_grad_enabled()));
            var options = s_options with
            {
                ActivationCheckpointing = true,
                Backbone = SmallTraining.Backbone.ReplaceStage("layer1", new AnyFactory())
            };
            return Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, options, s_photos)).Message;
        }
    }

    [TestMethod]
    public void AProgramThatRunsAsAWholeIsRefused()
    {
        var script = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "traced.pt");
        var backbone = Backbone.FromTorchScript(script, SmallTraining.Backbone.Preprocessing);
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(
                s_options with { Backbone = backbone, ActivationCheckpointing = true }));
        StringAssert.Contains(error.Message,
            "ActivationCheckpointing computes stages again one by one, and a TorchScript program runs as a whole");
    }

    /// <summary>[N, 16, 16, 16] -> [N, 32, 8, 8], as the stage in whose place it is.</summary>
    private static Tensor Halved(Tensor maps) => nn.functional.avg_pool2d(cat([maps, maps], 1), 2);

    /// <summary>Counts its runs in a buffer, which scales what it gives.</summary>
    private sealed class Growing : nn.Module<Tensor, Tensor>
    {
        private readonly BatchNorm2d norm = new(3, 1e-5);
        private readonly Tensor factor = ones(1).DetachFromDisposeScope();
        private readonly Action _ran;

        public Growing(Action ran)
            : base(nameof(Growing))
        {
            _ran = ran;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            if (!training)
                return Stem(norm.forward(input));
            _ran();
            using (no_grad())
                factor.mul_(1.01f);
            return Stem(norm.forward(input.mul_(factor)));
        }

        // [N, 3, 32, 32] -> [N, 16, 16, 16]
        private static Tensor Stem(Tensor pixels) =>
            nn.functional.avg_pool2d(cat([.. Enumerable.Repeat(pixels, 6)], 1).narrow(1, 0, 16), 2);

        protected override void Dispose(bool disposing)
        {
            norm.Dispose();
            factor.Dispose();
            base.Dispose(disposing);
        }
    }
}
