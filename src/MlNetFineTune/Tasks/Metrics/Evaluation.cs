using System.Text.Json.Serialization;

namespace MlNetFineTune.Tasks;

/// <summary>The metrics of a network on rows.</summary>
/// <param name="Loss"><see cref="Metric.Loss"/>.</param>
/// <param name="Metrics">The task's other metrics, by name.</param>
internal sealed record Evaluation(double Loss, IReadOnlyDictionary<string, double> Metrics)
{
    public IReadOnlyDictionary<string, double> Metrics { get; } = MetricValues.Of(Metrics);

    /// <summary>All metrics by name, the loss first.</summary>
    [JsonIgnore]
    public IEnumerable<(string Name, double Value)> All =>
        [(Metric.Loss.Name, Loss), .. Metrics.Select(metric => (metric.Key, metric.Value))];

    /// <summary>The value of one of the task's metrics; NaN if it is undefined.</summary>
    public double this[Metric metric] => metric == Metric.Loss ? Loss : Metrics.GetValueOrDefault(metric.Name, double.NaN);

    /// <summary>Compares by the metric, or by the loss if it is undefined for both.</summary>
    public bool IsBetterThan(Evaluation? other, Metric metric) => other is null
        || (double.IsNaN(this[metric]) && double.IsNaN(other[metric])
            ? Metric.Loss.IsBetter(Loss, other.Loss)
            : metric.IsBetter(this[metric], other[metric]));
}
