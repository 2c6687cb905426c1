using System.Globalization;

namespace MlNetFineTune.Training;

/// <summary>Options as texts, for the model file and the report.</summary>
internal static class OptionsDescription
{
    public static SortedDictionary<string, string> Of(FineTuningOptions options) =>
        new(Shared(options).Concat(options.DescribeOwn()).ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal);

    private static Dictionary<string, string> Shared(FineTuningOptions options) => new()
    {
        [nameof(options.Task)] = options.TaskInForce.ToString(),
        [nameof(options.Metric)] = (options.Metric ?? Metric.Loss).Name,
        [nameof(options.Strategy)] = options.Strategy.ToString(),
        [nameof(options.Adapter)] = options.Adapter.ToString(),
        [nameof(options.Augmentation)] = options.Augmentation.ToString(),
        [nameof(options.Distillation)] = options.Distillation.ToString(),
        [nameof(options.BatchNorm)] = options.BatchNorm.ToString(),
        [nameof(options.Sampling)] = options.Sampling.ToString(),
        [nameof(options.Epochs)] = options.Epochs.ToString(CultureInfo.InvariantCulture),
        [nameof(options.BatchSize)] = options.BatchSize.ToString(CultureInfo.InvariantCulture),
        [nameof(options.AccumulationSteps)] = options.AccumulationSteps.ToString(CultureInfo.InvariantCulture),
        [nameof(options.LearningRate)] = options.LearningRate.ToString(CultureInfo.InvariantCulture),
        [nameof(options.Optimizer)] = options.Optimizer.ToString(),
        [nameof(options.Schedule)] = options.Schedule.ToString(),
        [nameof(options.GradientClipping)] = options.GradientClipping.ToString(),
        [nameof(options.WeightAveraging)] = options.WeightAveraging.ToString(),
        [nameof(options.Validation)] = options.Validation.ToString(),
        [nameof(options.Conformal)] = options.Conformal?.ToString() ?? "none",
        [nameof(options.EarlyStoppingPatience)] = options.EarlyStoppingPatience?.ToString(CultureInfo.InvariantCulture) ?? "none",
        [nameof(options.ExampleWeightColumnName)] = options.ExampleWeightColumnName ?? "none",
        [nameof(options.FrozenEngine)] = options.FrozenEngine.ToString(),
        [nameof(options.Precision)] = options.Precision.ToString(),
        [nameof(options.ActivationCheckpointing)] = options.ActivationCheckpointing ? "yes" : "no",
        [nameof(options.BadRows)] = options.BadRows.ToString(),
    };
}
