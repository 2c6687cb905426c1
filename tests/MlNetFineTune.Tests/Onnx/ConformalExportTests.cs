using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Modules;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.ConformalPrediction;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Sets, novelty and flag as ONNX Runtime computes them.</summary>
[TestClass]
public sealed class ConformalExportTests
{
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Validation = ValidationData.Fraction(0.5f),
        Conformal = new ConformalPrediction { Coverage = 0.75f, Novelty = NoveltyScore.NearestNeighbors(3, 12, falseAlarmRate: 0.2f) },
    };

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("LeastAmbiguous", false)]
    [DataRow("Adaptive", true)]
    [DataRow("RegularizedAdaptive", false)]
    public void TheFileGivesWhatTheColumnsHave(string score, bool isClassConditional)
    {
        var options = s_options with
        {
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature(0.5f)),
            Conformal = s_options.Conformal! with
            {
                ClassConditional = isClassConditional,
                CalibrationFraction = isClassConditional ? 0.8f : 0.5f,
                Score = score switch
                {
                    "LeastAmbiguous" => NonconformityScore.LeastAmbiguous,
                    "Adaptive" => NonconformityScore.Adaptive,
                    _ => NonconformityScore.RegularizedAdaptive(0.2f),
                },
            },
        };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(10));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(5, skip: 15)));

        var outputs = Run(model, test, 15);

        var scored = model.Transform(test);
        AssertClose(SmallTraining.Scores(scored).SelectMany(row => row), outputs["probabilities"]);
        float[] sets = [.. scored.GetColumn<uint[]>("PredictedLabels")
            .SelectMany(set => Enumerable.Range(1, 3).Select(key => set.Contains((uint)key) ? 1f : 0))];
        CollectionAssert.AreEqual(sets, outputs["prediction_set"]);
        AssertClose(scored.GetColumn<float>("Novelty"), outputs["novelty"]);
        CollectionAssert.AreEqual(
            scored.GetColumn<bool>("Rejected").Select(isRejected => isRejected ? 1f : 0).ToArray(), outputs["rejected"]);
        Assert.IsTrue(sets.Chunk(3).Any(set => set.Sum() != 1), "This test is about unsure pictures.");
    }

    [TestMethod]
    public void ABinaryFileHasTheSetOverFalseAndTrue()
    {
        var options = ScalarModels.Options(LearningTask.Binary(
            calibration: Calibration.Temperature(0.5f), threshold: DecisionThreshold.Fixed(0.7f))) with
        {
            Epochs = 2,
            Validation = ValidationData.Fraction(0.5f),
            Conformal = s_options.Conformal,
        };
        using var model = ScalarModels.Trainer(_ml, options).Fit(MarkedPhoto.View(_ml, MarkedPhoto.Take(10)));
        var test = MarkedPhoto.View(_ml, MarkedPhoto.Take(5, skip: 15));

        var outputs = Run(model, test, 15);

        var scored = model.Transform(test);
        AssertClose(scored.GetColumn<float>("Probability"), outputs["probability"]);
        CollectionAssert.AreEqual(
            scored.GetColumn<bool[]>("PredictedLabels")
                .SelectMany(set => new[] { set.Contains(false) ? 1f : 0, set.Contains(true) ? 1f : 0 }).ToArray(),
            outputs["prediction_set"]);
        AssertClose(scored.GetColumn<float>("Novelty"), outputs["novelty"]);
        CollectionAssert.AreEqual(
            scored.GetColumn<bool>("Rejected").Select(isRejected => isRejected ? 1f : 0).ToArray(), outputs["rejected"]);
    }

    [TestMethod]
    public void AModuleOfStagesHasTheNoveltyInItsFileToo()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            // Others: the calibration row at the quantile is accepted by equality, which rounding breaks.
            var rows = TableRow.Many(80, seed: 2);
            using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with
            {
                Factory = new AnyFactory(),
                Epochs = 2,
                Validation = ValidationData.Fraction(0.4f),
                Conformal = s_options.Conformal,
            }).Fit(SmallModules.View(_ml, TableRow.Many(80)));
            using var file = new ExportedFile(_ml, model);
            Assert.AreEqual("0.75", file.Metadata["coverage"]);
            Assert.AreEqual(FormattableString.Invariant($"{model.Conformal!.NoveltyThreshold}"), file.Metadata["novelty_threshold"]);

            var outputs = file.Run(ExportedFile.Numbers("features", rows.SelectMany(row => row.Features), rows.Length, 6));

            var scored = model.Transform(SmallModules.View(_ml, rows));
            AssertClose(scored.GetColumn<float>("Novelty"), outputs["novelty"]);
            CollectionAssert.AreEqual(
                scored.GetColumn<bool>("Rejected").Select(isRejected => isRejected ? 1f : 0).ToArray(), outputs["rejected"]);
            count(1);
        });
    }

    [TestMethod]
    public void SmallerFilesHaveTheOutputsAndAChainOfMlNetHasTheTasksColumnsOnly()
    {
        using var model = SmallTraining.Fit(_ml, s_options, SmallPictures.Take(10));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(5, skip: 15)));
        float[] novelties = [.. model.Transform(test).GetColumn<float>("Novelty")];
        foreach (var (precision, tolerance) in ((OnnxPrecision, double)[])[(OnnxPrecision.Float16, 0.01), (OnnxPrecision.Int8(test), 0.2)])
        {
            var outputs = Run(model, test, 15, precision);
            foreach (var (expected, actual) in novelties.Zip(outputs["novelty"]))
                Assert.AreEqual(expected, actual, tolerance, precision.ToString());
            Assert.HasCount(15, outputs["rejected"]);
        }

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, test.Schema);
        var scored = ((ITransformer)chain).Transform(test);
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(test)), SmallTraining.Scores(scored), 0.05f);
        Assert.IsFalse(scored.Schema.Any(column => column.Name is "PredictedLabels" or "Novelty" or "Rejected"));
    }

    private Dictionary<string, float[]> Run(FineTuningTransformer model, IDataView test, int rows, OnnxPrecision? precision = null)
    {
        using var file = new ExportedFile(_ml, model, precision);
        return file.Run(ExportedFile.Input("pixels", ExportedFile.Pixels(model, test, rows, model.Inputs.Preprocessing!.Size)));
    }

    private static void AssertClose(IEnumerable<float> expected, float[] actual)
    {
        float[] wanted = [.. expected];
        Assert.HasCount(wanted.Length, actual);
        for (var i = 0; i < wanted.Length; i++)
            Assert.AreEqual(wanted[i], actual[i], 1e-5, $"number {i}");
    }
}
