using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

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
