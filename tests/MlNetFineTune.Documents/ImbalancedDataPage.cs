namespace MlNetFineTune.Documents;

/// <summary>Code of docs/imbalanced-data.md.</summary>
internal static class ImbalancedDataPage
{
    public static ImageFineTuningOptions[] Three(Backbone backbone)
    {
        var threshold = new ImageFineTuningOptions
        {
            Backbone = backbone,
            LabelColumnName = "IsCracked",
            Task = LearningTask.Binary(threshold: DecisionThreshold.F1), // or Recall(0.95f): at least this recall
        };
        var weights = new ImageFineTuningOptions
        {
            Backbone = backbone,
            Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(("crack", 5), ("hole", 5))), // others 1; or ClassWeights.Balanced
            Metric = Metric.MacroF1, // selects the epoch
        };
        var sampling = new ImageFineTuningOptions { Backbone = backbone, Sampling = Sampling.Balanced };
        return [threshold, weights, sampling];
    }
}
