using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The metrics of question answering, from the texts of the best answers.</summary>
/// <param name="maximumTokens">Maximum number of tokens in a predicted answer.</param>
/// <param name="threshold">Log-odds of "no answer" above which none is predicted.</param>
internal sealed class AnswerSums(int maximumTokens, float threshold) : MetricSums
{
    private readonly AnswerCounts _counts = new();

    public static IReadOnlyList<Metric> All { get; } = [Metric.ExactMatch, Metric.AnswerF1];

    public override void Add(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var found = AnswerSearch.Of(outputs, maximumTokens);
        var labels = targets.Labels.cpu().data<float>().ToArray();
        var contexts = targets.Contexts!;
        for (var row = 0; row < contexts.Count; row++)
        {
            var label = labels.AsSpan(row * (labels.Length / contexts.Count));
            var predicted = FoundAnswer.Of(found.AsSpan(row * AnswerSearch.Width)).In(contexts[row].AsMemory(), threshold);
            _counts.Add(predicted.ToString(), AnswersOf(label, contexts[row]));
        }
    }

    public override IReadOnlyDictionary<string, double> Result() => new Dictionary<string, double>(StringComparer.Ordinal)
    {
        [Metric.ExactMatch.Name] = _counts.All.ExactMatch,
        [Metric.AnswerF1.Name] = _counts.All.F1,
    };

    /// <summary>The answer of a label; none without.</summary>
    public static string[] AnswersOf(ReadOnlySpan<float> label, string context) =>
        Data.LabelsOfAnswers.IsAnswer(label) ? [context[(int)label[0]..(int)label[1]]] : [];
}
