namespace MlNetFineTune.Reporting;

/// <summary>Names of metrics in files and pages.</summary>
internal static class MetricNames
{
    /// <summary>In files: <c>validation_mean_average_precision</c>.</summary>
    public static string InFiles(string metric) => metric == Metric.RootMeanSquaredError.Name
        ? "validation_rmse"
        : "validation" + string.Concat(metric.Select(letter => char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{letter}"));

    /// <summary>On pages: "validation mean average precision".</summary>
    public static string OnPages(string metric) => metric == Metric.RootMeanSquaredError.Name
        ? "validation RMSE"
        : InFiles(metric).Replace('_', ' ');

    /// <summary>A value on a page: shares as percents.</summary>
    public static string Value(string metric, double value) => metric == Metric.Accuracy.Name
        ? FormattableString.Invariant($"{value * 100:0.0} %")
        : Axis.Label(Math.Round(value, 5));
}
