using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune.Tests.Modules;

/// <summary>The whole way, from columns to steps, against PyTorch (tools/reference/module_fixture.py): every
/// epoch is one step over all rows.</summary>
[TestClass]
public sealed class ModuleParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("module.json");

    public static IEnumerable<object[]> Tasks => s_fixture.GetProperty("runs").EnumerateArray()
        .Select(run => new object[] { run.Text("task") });

    [TestMethod]
    [DynamicData(nameof(Tasks))]
    public void TwentyStepsFollowPyTorch(string task)
    {
        var expected = s_fixture.GetProperty("runs").EnumerateArray().Single(run => run.Text("task") == task);
        var ml = new MLContext();
        var rows = Enumerable.Range(0, (int)s_fixture.Number("rows")).Select(RowOf).ToArray();
        var view = SmallModules.View(ml, rows);

        using var model = TrainerOf(ml, task).Fit(view);

        Fixture.AreClose(expected.GetProperty("losses").Numbers(), [.. model.Report!.Epochs.Select(epoch => epoch.Loss)], 1e-6,
            $"loss of {task} at step");
        model.Scorer.Read(network => Fixture.AreClose(
            expected.GetProperty("lastBias").Numbers(), network.NamedTensors().Single(named => named.Name == "last.bias").Tensor.Values(),
            1e-5, "bias of the last layer"));
    }

    private static TableRow RowOf(int r) => new()
    {
        Features = [.. Enumerable.Range(6 * r, 6).Select(j => (float)Math.Sin(0.37 * j + 0.05 * (j % 29)))],
        Kind = $"kind{r % 3}",
        Yes = r % 5 < 2,
        Number = (float)(2 * Math.Sin(r)),
    };

    private static FineTuningTrainer TrainerOf(MLContext ml, string task) => task switch
    {
        "multiclass" => ml.MulticlassClassification.Trainers.FineTuneModule(OneStepAnEpoch(SmallModules.Multiclass, outputs: 3)),
        "smoothed" => ml.MulticlassClassification.Trainers.FineTuneModule(
            OneStepAnEpoch(
                SmallModules.Multiclass with { Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(smoothing: 0.1f)) },
                outputs: 3)),
        "binary" => ml.BinaryClassification.Trainers.FineTuneModule(OneStepAnEpoch(SmallModules.Binary, outputs: 1)),
        "squared" => Regression(ml, RegressionLoss.SquaredError),
        "absolute" => Regression(ml, RegressionLoss.AbsoluteError),
        _ => Regression(ml, RegressionLoss.Huber(0.5f)),
    };

    private static FineTuningTrainer Regression(MLContext ml, RegressionLoss loss) => ml.Regression.Trainers.FineTuneModule(
        OneStepAnEpoch(SmallModules.Regression with { Task = LearningTask.Regression(loss, standardize: false) }, outputs: 1));

    private static ModuleFineTuningOptions OneStepAnEpoch(ModuleFineTuningOptions options, int outputs) => options with
    {
        WeightsFile = FormulaWeights(outputs),
        Epochs = 20,
        BatchSize = 24,
        LearningRate = (float)s_fixture.Number("learningRate"),
        Optimizer = Optimizer.AdamW((float)s_fixture.Number("weightDecay")),
        Schedule = LearningRateSchedule.Cosine(warmup: 0.2f),
        Validation = ValidationData.None,
    };

    private static string FormulaWeights(int outputs)
    {
        using var scope = torch.NewDisposeScope();
        (string Name, long[] Shape)[] tensors =
            [("first.weight", [8, 6]), ("first.bias", [8]), ("last.weight", [outputs, 8]), ("last.bias", [outputs])];
        var path = Path.Combine(SmallPictures.NewFolder(), "formula.safetensors");
        SafeTensorsWriter.WriteFile(path, [.. tensors.Select(t => (t.Name, torch.tensor(Formula.Values(t.Name, t.Shape), t.Shape)))],
            new Dictionary<string, string>());
        return path;
    }
}
