using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/several-heads.md.</summary>
internal static class SeveralHeadsPage
{
    public static FineTuningTrainer Trainer(MLContext ml)
    {
        var trainer = ml.FineTuning.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            Task = LearningTask.Several(
                new TaskHead("Species", LearningTask.Multiclass(calibration: Calibration.Temperature())),
                new TaskHead("Size", LearningTask.Regression(), weight: 0.5f),
                new TaskHead("Damaged", LearningTask.Binary())),
            Metric = Metric.Accuracy.Of("Species"), // selects the epoch; default: the loss of all heads
        });
        return trainer;
    }
}
