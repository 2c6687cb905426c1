using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Metrics that need the number and the label of all rows at once, such as ranking metrics.</summary>
/// <param name="metrics">Computes the metrics from numbers and labels.</param>
/// <param name="numbersOf">
/// Converts outputs to one number per row, of any shape; the caller disposes it. Null for the outputs themselves.
/// </param>
internal sealed class CollectedMetrics(
    Func<float[], float[], IReadOnlyDictionary<string, double>> metrics, Func<Tensor, Tensor>? numbersOf = null) : MetricSums
{
    private readonly List<float> _numbers = [];
    private readonly List<float> _labels = [];

    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        _numbers.AddRange(Values(numbersOf?.Invoke(outputs) ?? outputs));
        _labels.AddRange(Values(targets.Labels));
    }

    public override IReadOnlyDictionary<string, double> Result() => metrics([.. _numbers], [.. _labels]);

    private static float[] Values(Tensor tensor) =>
        [.. tensor.to_type(ScalarType.Float32).cpu().contiguous().data<float>()];
}
