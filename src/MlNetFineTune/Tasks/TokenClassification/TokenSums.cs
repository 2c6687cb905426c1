using MlNetFineTune.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The metrics of token classification, from the most probable label of each word.</summary>
/// <param name="tags">The outputs for a word.</param>
internal sealed class TokenSums(WordTags tags) : MetricSums
{
    private readonly TokenCounts _counts = new(tags.AreEntities);

    public static IReadOnlyList<Metric> MetricsOf(WordTags tags) => tags.AreEntities
        ? [Metric.EntityF1, Metric.EntityPrecision, Metric.EntityRecall, Metric.StrictEntityF1, Metric.WordAccuracy]
        : [Metric.WordAccuracy];

    // outputs: [N, W, labels]; labels: [N, W], -1 beyond the end of a row
    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var (predicted, actual) = (outputs.argmax(2).cpu(), targets.Labels.cpu()); // [N, W]
        var words = (int)Math.Min(predicted.shape[1], actual.shape[1]);
        for (var row = 0; row < actual.shape[0]; row++)
            Add(ValuesOf(actual, row, words), ValuesOf(predicted, row, words));
    }

    public override IReadOnlyDictionary<string, double> Result()
    {
        var result = new Dictionary<string, double>(StringComparer.Ordinal) { [Metric.WordAccuracy.Name] = _counts.WordAccuracy };
        if (tags.AreEntities)
        {
            result[Metric.EntityF1.Name] = _counts.Lenient.F1;
            result[Metric.EntityPrecision.Name] = _counts.Lenient.Precision;
            result[Metric.EntityRecall.Name] = _counts.Lenient.Recall;
            result[Metric.StrictEntityF1.Name] = _counts.Strict.F1;
        }
        return result;
    }

    private static int[] ValuesOf(Tensor values, int row, int words) =>
        Array.ConvertAll(values[row].data<long>().ToArray()[..words], value => (int)value);

    private void Add(int[] actual, int[] predicted)
    {
        var words = Array.IndexOf(actual, -1) is var end and >= 0 ? end : actual.Length;
        var correct = 0;
        for (var word = 0; word < words; word++)
            correct += actual[word] == predicted[word] ? 1 : 0;
        _counts.AddWords(correct, words);
        if (tags.AreEntities)
        {
            _counts.AddEntities(
                tags.TagsOf(actual.AsSpan(0, words)), tags.TagsOf(predicted.AsSpan(0, words)), tags.Scheme);
        }
    }
}
