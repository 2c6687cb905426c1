using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Calibrated models: what changes, what stays, what is saved.</summary>
[TestClass]
public sealed class CalibrationTests
{
    // Unsure pictures on purpose: two epochs.
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with { Validation = ValidationData.Fraction(0.5f) };

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ProbabilitiesAreThoseOfTheSameNetworkOverTheTemperature()
    {
        var photos = SmallPictures.Take(10);
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10, skip: 15)));
        using var plain = SmallTraining.Fit(_ml, s_options, photos);
        using var calibrated = SmallTraining.Fit(
            _ml, s_options with { Task = LearningTask.Multiclass(calibration: Calibration.Temperature(targetPrecision: 0.6f)) }, photos);

        Assert.IsNull(plain.Calibration);
        Assert.IsNull(plain.Report!.Calibration);
        var found = calibrated.Calibration!;
        Assert.AreSame(found, calibrated.Report!.Calibration);
        Assert.AreEqual(calibrated.Report.ValidationRows, found.Rows);
        Assert.AreEqual(15, found.Rows);
        Assert.AreEqual(0.6f, found.TargetPrecision);
        CollectionAssert.AreEqual(SmallPictures.Classes, found.RejectThresholds.Keys.ToArray());
        Assert.AreNotEqual(1, found.Temperature);
        Assert.IsLessThan(found.LossBefore, found.LossAfter);
        // The best epoch's: the fit sees the same rows, through the same preprocessing.
        Assert.AreEqual(calibrated.Report.Epochs[calibrated.Report.BestEpoch - 1].ValidationLoss!.Value, found.LossBefore, 1e-5);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(calibrated));
        var (before, after) = (SmallTraining.Scores(plain.Transform(test)), SmallTraining.Scores(calibrated.Transform(test)));
        SmallTraining.AssertClose(
            [.. before.Select(scores => TemperatureScaling.Softmax([.. scores.Select(score => Math.Log(score))], found.Temperature)
                .Select(score => (float)score).ToArray())], after);
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(plain.Transform(test)),
            SmallTraining.PredictedKeys(calibrated.Transform(test)));
    }

    [TestMethod]
    public void ASavedModelKeepsItsCalibration()
    {
        using var model = SmallTraining.Fit(
            _ml, s_options with
            {
                Task = LearningTask.Multiclass(calibration: Calibration.Temperature(0.6f)),
                OnProbeMismatch = ProbeMismatch.Throw
            }, SmallPictures.Take(10));
        var zip = SmallTraining.Save(_ml, model);
        var test = SmallPictures.View(_ml, SmallPictures.Take(5, skip: 15));

        // the probe's scores are calibrated, or this fails
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

        var (expected, actual) = (model.Calibration!, loaded.Calibration!);
        Assert.AreEqual(expected, actual with { RejectThresholds = expected.RejectThresholds });
        CollectionAssert.AreEqual(expected.RejectThresholds.ToArray(), actual.RejectThresholds.ToArray());
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        using var flipped = loaded.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        Assert.AreSame(loaded.Calibration, flipped.Calibration);
        var manifest = JsonNode.Parse(Zip.Entry(zip, "manifest.json"))!;
        StringAssert.Contains((string?)manifest["Options"]!["Task"], "calibration: Temperature(targetPrecision: 0.6)");

        foreach (var temperature in (float[])[0, -1, 1000])
            LoadFails(zip, calibration => calibration["Temperature"] = temperature, "temperature");
        LoadFails(zip, calibration => calibration["RejectThresholds"]!["squares"] = 0.5f, "squares");
        LoadFails(zip, calibration => calibration["RejectThresholds"] = null, "manifest");
    }

    [TestMethod]
    public void ModulesOfClassesAndOfYesAndNoAreCalibrated()
    {
        var rows = TableRow.Many(200);
        foreach (var row in rows.Where((_, index) => index % 6 == 0)) // always right would need no temperature
            (row.Kind, row.Yes) = (row.Kind == "kind0" ? "kind1" : "kind0", !row.Yes);
        var data = SmallModules.View(_ml, rows);
        var options = SmallModules.Multiclass
            with
        { Epochs = 2, LearningRate = 0.01f, Task = LearningTask.Multiclass(calibration: Calibration.Temperature(0.5f)) };
        using var plain = _ml.MulticlassClassification.Trainers.FineTuneModule(
            options with { Task = LearningTask.Multiclass(calibration: Calibration.None) }).Fit(data);
        using var multiclass = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(data);
        using var loaded = SmallModules.Reload(_ml, multiclass);
        CollectionAssert.AreEqual(multiclass.Classes.ToArray(), multiclass.Calibration!.RejectThresholds.Keys.ToArray());
        SmallTraining.AssertSameBits(SmallTraining.Scores(multiclass.Transform(data)), SmallTraining.Scores(loaded.Transform(data)));
        Assert.AreNotEqual(SmallTraining.Scores(plain.Transform(data))[0][0], SmallTraining.Scores(multiclass.Transform(data))[0][0]);

        var ofYes = SmallModules.Binary
            with
        { Epochs = 2, LearningRate = 0.01f, Task = LearningTask.Binary(calibration: Calibration.Temperature(0.5f)) };
        using var plainBinary = _ml.BinaryClassification.Trainers.FineTuneModule(
            ofYes with { Task = LearningTask.Binary(calibration: Calibration.None) }).Fit(data);
        using var binary = _ml.BinaryClassification.Trainers.FineTuneModule(ofYes).Fit(data);
        using var loadedBinary = SmallModules.Reload(_ml, binary);
        CollectionAssert.AreEqual(new[] { "False", "True" }, binary.Calibration!.RejectThresholds.Keys.ToArray());
        var temperature = loadedBinary.Calibration!.Temperature;
        Assert.AreNotEqual(1, temperature);
        CollectionAssert.AreEqual(Numbers(plainBinary.Transform(data)).Select(logit => logit / temperature).ToArray(),
            Numbers(loadedBinary.Transform(data)));
        Assert.IsLessThan(binary.Calibration.LossBefore, binary.Calibration.LossAfter);

        static float[] Numbers(IDataView scored) => [.. scored.GetColumn<float>("Score")];
    }

    [TestMethod]
    public void WhereEverythingIsRightProbabilitiesStayAndAWarningSaysWhy()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with
            {
                Epochs = 8,
                Validation = ValidationData.Fraction(0.2f),
                Task =
                LearningTask.Multiclass(calibration: Calibration.Temperature())
            }, SmallPictures.Take(20));

        Assert.AreEqual(1, model.Report!.Epochs[model.Report.BestEpoch - 1].ValidationAccuracy,
            "This test is about a model that is always right.");
        Assert.AreEqual(1, model.Calibration!.Temperature);
        Assert.AreEqual(model.Calibration.LossBefore, model.Calibration.LossAfter);
        Assert.IsTrue(model.Calibration.RejectThresholds.Values.All(threshold => threshold is null),
            "Four rows of each class are too few.");
        Assert.IsTrue(log.Warnings.Any(line => line.Contains("no temperature from 0.05 to 20") && line.Contains("12 validation rows")),
            log.ToString());
    }

    [TestMethod]
    public void CalibrationNeedsValidationAndASensiblePrecision()
    {
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(
                () => _ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { Task = LearningTask.Multiclass(calibration: Calibration.Temperature()) })).Message,
            "needs validation");
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(
                () => _ml.BinaryClassification.Trainers.FineTuneModule(
                SmallModules.Binary with
                {
                    Validation = ValidationData.None,
                    Task = LearningTask.Binary(calibration: Calibration.Temperature())
                })).Message, "needs validation");
        foreach (var precision in (float[])[0, -1, 1.01f, float.NaN])
            StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => Calibration.Temperature(precision)).Message,
                "above 0 and at most 1");
        Assert.AreEqual("Temperature(targetPrecision: 0.95)", Calibration.Temperature().ToString());
    }

    private void LoadFails(byte[] zip, Action<JsonNode> change, string expected)
    {
        var damaged = Zip.With(zip, "manifest.json", bytes =>
        {
            var manifest = JsonNode.Parse(bytes)!;
            change(manifest["Task"]!["Calibration"]!);
            return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _)).GetBaseException();
        Assert.IsInstanceOfType<InvalidDataException>(error);
        StringAssert.Contains(error.Message, expected);
    }
}
