using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Probabilities of a module that are calibrated by a temperature.</summary>
[TestClass]
public sealed class ModuleCalibrationTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ScoresAreTheSoftmaxOfLogitsOverTheTemperatureWhichIsTheBestOfTheValidationRows()
    {
        // A short training on labels of which some are wrong: the network is less sure of itself than it could be.
        var rows = TableRow.Many(160);
        foreach (var row in rows.Where((_, index) => index % 10 == 0))
            row.Kind = $"kind{(row.Kind[^1] - '0' + 1) % 3}";
        var judges = rows[100..];
        var options = SmallModules.Multiclass with
        {
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
            Factory = new TwoLayersFactory { Hidden = 32 },
            Validation = ValidationData.Set(SmallModules.View(_ml, judges)),
            Epochs = 2,
            LearningRate = 0.01f,
        };
        using var model = (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options)
            .Fit(SmallModules.View(_ml, rows[..100]));
        var calibration = model.Calibration!;

        Assert.IsGreaterThan(0.05, Math.Abs(calibration.Temperature - 1), "a temperature that changes nothing proves nothing");
        Assert.AreEqual(judges.Length, calibration.Rows);
        using var scope = NewDisposeScope();
        var features = tensor(judges.SelectMany(row => row.Features).ToArray(), [judges.Length, 6]);
        var labels = tensor(judges.Select(row => (long)(row.Kind[^1] - '0')).ToArray());
        Tensor? logits = null;
        model.Scorer.Read(network => logits = network.ForwardRest(features, 0).detach());

        var scores = SmallTraining.Scores(model.Transform(SmallModules.View(_ml, judges)));
        Fixture.AreClose((logits! / calibration.Temperature).softmax(1).Values(),
            [.. scores.SelectMany(row => row.Select(score => (double)score))], 1e-5, "score");
        Assert.AreEqual(Loss(calibration.Temperature), calibration.LossAfter, 1e-4);
        Assert.AreEqual(Loss(1), calibration.LossBefore, 1e-4);
        Assert.IsGreaterThan(calibration.LossAfter - 1e-6,
            Math.Min(Loss(calibration.Temperature * 1.02), Loss(calibration.Temperature / 1.02)), "the best temperature");

        using var loaded = SmallModules.Reload(_ml, model);
        Assert.AreEqual(calibration.Temperature, loaded.Calibration!.Temperature);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(SmallModules.View(_ml, judges))));

        double Loss(double temperature) => nn.functional.cross_entropy(logits! / temperature, labels).item<float>();
    }
}
