using System.Text.Json.Serialization;

namespace MlNetFineTune.Tasks;

/// <summary>The metrics of a network on rows.</summary>
/// <param name="Loss">See <see cref="Metric.Loss"/>.</param>
/// <param name="Metrics">The task's other metrics, by name.</param>
internal sealed record Evaluation(double Loss, IReadOnlyDictionary<string, double> Metrics)
{
    public IReadOnlyDictionary<string, double> Metrics { get; } = MetricValues.Of(Metrics);

    /// <summary>All metrics by name, the loss first.</summary>
    [JsonIgnore]
    public IEnumerable<(string Name, double Value)> All =>
        [(Metric.Loss.Name, Loss), .. Metrics.Select(metric => (metric.Key, metric.Value))];

    /// <summary>A metric that the task has.</summary>
    public double this[Metric metric] => metric == Metric.Loss ? Loss : Metrics[metric.Name];

    /// <summary>By the metric, or by the loss where neither has a number for it.</summary>
    public bool IsBetterThan(Evaluation? other, Metric metric) => other is null
        || (double.IsNaN(this[metric]) && double.IsNaN(other[metric])
            ? Metric.Loss.IsBetter(Loss, other.Loss)
            : metric.IsBetter(this[metric], other[metric]));
}
