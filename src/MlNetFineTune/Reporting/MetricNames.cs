using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>Names of metrics in files and pages.</summary>
internal static class MetricNames
{
    /// <summary>
    /// In files: <c>validation_mean_average_precision</c>; for one of several heads <c>validation_Species_accuracy</c>.
    /// </summary>
    public static string InFiles(string metric) =>
        $"validation{HeadOf(metric)}{(IsOf(Metric.RootMeanSquaredError, metric) ? "_rmse" : InWords(metric))}";

    /// <summary>
    /// Checks that names in files are different: characters of labels other than letters and digits become underscores there.
    /// </summary>
    /// <exception cref="InvalidOperationException">Two metrics have the same name.</exception>
    public static void RequireDifferent(IEnumerable<Metric> metrics)
    {
        if (metrics.GroupBy(metric => InFiles(metric.Name)).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new InvalidOperationException(
                $"RunFolder: the metrics {string.Join(" and ", twice.Select(metric => SafeText.Quoted(metric.Name)))} would both be the "
                + $"column '{twice.Key}' of history.csv, in which labels have letters, digits and underscores alone. Give one of the "
                + "labels another name (ml.Transforms.CopyColumns), or leave RunFolder out.");
        }
    }

    /// <summary>On pages: "validation mean average precision".</summary>
    public static string OnPages(string metric) => IsOf(Metric.RootMeanSquaredError, metric)
        ? $"validation{HeadOf(metric).Replace('_', ' ')} RMSE"
        : InFiles(metric).Replace('_', ' ');

    /// <summary>A value on a page: fractions as percentages.</summary>
    public static string Value(string metric, double value) => IsOf(Metric.Accuracy, metric)
        ? FormattableString.Invariant($"{value * 100:0.0} %")
        : Axis.Label(Math.Round(value, 5));

    // Whether a metric of one head, or of the whole model, is of this kind.
    private static bool IsOf(Metric known, string metric) => OwnName(metric) == known.Name;

    private static string OwnName(string metric) => metric[(metric.LastIndexOf('.') + 1)..];

    // Label names are arbitrary text; column names in the files are restricted.
    private static string HeadOf(string metric) => metric.LastIndexOf('.') is > 0 and var dot
        ? "_" + string.Concat(metric[..dot].Select(letter => char.IsLetterOrDigit(letter) ? letter : '_'))
        : "";

    private static string InWords(string metric) =>
        string.Concat(OwnName(metric).Select(letter => char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{letter}"));
}
