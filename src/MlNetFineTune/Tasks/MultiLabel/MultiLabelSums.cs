using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The metrics of multi-label classification at one threshold. Logits and labels of the pass are stored, 5 bytes for each label of a row,
/// because average precision ranks all rows.
/// </summary>
internal sealed class MultiLabelSums(int labels, float threshold = 0.5f) : MetricSums
{
    private readonly float _logit = MathF.Log(threshold / (1 - threshold));
    private readonly MultiLabelCounts _counts = new(labels);
    private readonly List<float>[] _logits = [.. Enumerable.Range(0, labels).Select(_ => new List<float>())];
    private readonly List<bool>[] _isThere = [.. Enumerable.Range(0, labels).Select(_ => new List<bool>())];

    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var (logits, there) = (Numbers(outputs), LabelSets.Of(Numbers(targets.Labels))); // [N * labels]
        var predicted = Array.ConvertAll(logits, logit => logit > _logit);
        for (var at = 0; at < logits.Length; at += labels)
        {
            _counts.Add(there.AsSpan(at, labels), predicted.AsSpan(at, labels));
            for (var label = 0; label < labels; label++)
            {
                _logits[label].Add(logits[at + label]);
                _isThere[label].Add(there[at + label]);
            }
        }
    }

    public override IReadOnlyDictionary<string, double> Result()
    {
        var precisions = _logits.Zip(_isThere, (logits, there) =>
            RankingMetrics.AveragePrecision(ScoreRanking.Of(CollectionsMarshal.AsSpan(logits), CollectionsMarshal.AsSpan(there))));
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [Metric.MeanAveragePrecision.Name] = RankingMetrics.MeanAveragePrecision(precisions),
            [Metric.MicroF1.Name] = _counts.MicroF1,
            [Metric.MacroF1.Name] = _counts.MacroF1,
            [Metric.HammingLoss.Name] = _counts.HammingLoss,
        };
    }

    private static float[] Numbers(Tensor tensor) => tensor.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
