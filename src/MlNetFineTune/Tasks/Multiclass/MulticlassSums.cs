using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The metrics of multiclass classification, from the most probable class. Memory is proportional to the number of classes.
/// </summary>
/// <param name="classes">Number of classes.</param>
internal sealed class MulticlassSums(int classes) : MetricSums
{
    private readonly long[] _actual = new long[classes];
    private readonly long[] _predicted = new long[classes];
    private readonly long[] _hits = new long[classes];

    public static IReadOnlyList<Metric> All { get; } = [Metric.Accuracy, Metric.MacroF1];

    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var predicted = outputs.argmax(1).cpu().data<long>(); // [N, classes] -> [N]
        foreach (var (label, prediction) in targets.Labels.cpu().data<long>().Zip(predicted))
        {
            _actual[label]++;
            _predicted[prediction]++;
            _hits[label] += label == prediction ? 1 : 0;
        }
    }

    public override IReadOnlyDictionary<string, double> Result() => new Dictionary<string, double>(StringComparer.Ordinal)
    {
        [Metric.Accuracy.Name] = (double)_hits.Sum() / _actual.Sum(),
        [Metric.MacroF1.Name] = MacroF1,
    };

    // As in F1Scores, without classes that are neither present nor predicted.
    private double MacroF1
    {
        get
        {
            var occurring = Enumerable.Range(0, classes).Where(c => _actual[c] + _predicted[c] > 0);
            return occurring.Average(c => 2.0 * _hits[c] / (_actual[c] + _predicted[c]));
        }
    }
}
