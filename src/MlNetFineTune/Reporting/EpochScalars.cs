namespace MlNetFineTune.Reporting;

/// <summary>The numbers of a step or an epoch by the names that TensorBoard and MLflow show.</summary>
internal static class EpochScalars
{
    public const string StepLoss = "step/loss";
    public const string StepLearningRate = "step/learning_rate";

    public static (string Tag, double Value)[] Of(TrainingReport.EpochReport epoch) =>
    [
        ("epoch/loss", epoch.Loss),
        .. epoch.ValidationLoss is { } loss ? [("epoch/validation_loss", loss)] : ((string, double)[])[],
        .. epoch.Metrics.Select(metric => ($"epoch/{MetricNames.InFiles(metric.Key)}", metric.Value)),
        ("epoch/learning_rate", epoch.LearningRate),
    ];
}
