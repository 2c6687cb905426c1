using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The metrics of ordinal classification, from the most probable class.</summary>
internal sealed class OrdinalSums : MetricSums
{
    private readonly OrdinalCounts _counts = new();

    public static IReadOnlyList<Metric> All { get; } = [Metric.QuadraticWeightedKappa, Metric.MeanAbsoluteError, Metric.Accuracy];

    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var predicted = outputs.argmax(1).cpu().data<long>(); // [N, classes] -> [N]
        foreach (var (label, prediction) in targets.Labels.cpu().data<long>().Zip(predicted))
            _counts.Add((int)label, (int)prediction);
    }

    public override IReadOnlyDictionary<string, double> Result() => new Dictionary<string, double>(StringComparer.Ordinal)
    {
        [Metric.QuadraticWeightedKappa.Name] = _counts.QuadraticWeightedKappa,
        [Metric.MeanAbsoluteError.Name] = _counts.MeanAbsoluteError,
        [Metric.Accuracy.Name] = _counts.Accuracy,
    };
}
