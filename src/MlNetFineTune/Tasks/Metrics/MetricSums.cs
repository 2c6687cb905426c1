using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Adds up, batch by batch, what the metrics of one evaluation pass need.</summary>
internal abstract class MetricSums
{
    /// <param name="outputs">[N, outputs], the network's.</param>
    /// <param name="labels">The same rows', as the objective has them.</param>
    public abstract void Add(Tensor outputs, Tensor labels);

    /// <summary>The metrics by name.</summary>
    public abstract IReadOnlyDictionary<string, double> Result();
}

/// <summary>A metric that is a function of a mean over the rows, each counted once.</summary>
/// <param name="metric">Named in the result.</param>
/// <param name="count">Sum over the rows of a batch.</param>
/// <param name="finish">From the mean to the metric.</param>
internal sealed class MeanMetric(Metric metric, Func<Tensor, Tensor, double> count, Func<double, double>? finish = null) : MetricSums
{
    private double _sum;
    private long _rows;

    public override void Add(Tensor outputs, Tensor labels)
    {
        _sum += count(outputs, labels);
        _rows += outputs.shape[0];
    }

    public override IReadOnlyDictionary<string, double> Result()
    {
        var mean = _sum / _rows;
        return new Dictionary<string, double>(StringComparer.Ordinal) { [metric.Name] = finish?.Invoke(mean) ?? mean };
    }
}

/// <summary>Metrics of one number and one label a row that need all rows at once, such as a ranking.</summary>
/// <param name="metrics">Of the numbers and the labels.</param>
/// <param name="numbersOf">From outputs to a number a row, any shape; the caller disposes it. Null takes the outputs as they are.</param>
internal sealed class CollectedMetrics(
    Func<float[], float[], IReadOnlyDictionary<string, double>> metrics, Func<Tensor, Tensor>? numbersOf = null) : MetricSums
{
    private readonly List<float> _numbers = [];
    private readonly List<float> _labels = [];

    public override void Add(Tensor outputs, Tensor labels)
    {
        using var scope = NewDisposeScope();
        _numbers.AddRange(Values(numbersOf?.Invoke(outputs) ?? outputs));
        _labels.AddRange(Values(labels));
    }

    public override IReadOnlyDictionary<string, double> Result() => metrics([.. _numbers], [.. _labels]);

    private static float[] Values(Tensor tensor) =>
        [.. tensor.to_type(ScalarType.Float32).cpu().contiguous().data<float>()];
}
