using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The objective of extractive question answering: for each window the mean of two cross-entropies, of the answer's first and of its last
/// token; a window that does not hold the whole answer shall give the class token for both (Devlin et al. 2018, section 4.3,
/// https://arxiv.org/abs/1810.04805). The loss is the mean over the windows of the whole step. Outputs are those of
/// <see cref="AnswerLogits"/>; labels are [N, 3]: first UTF-16 unit of the answer and the one after the last, -1 without an answer, and the
/// number of windows. Stored rows and scores are those of <see cref="AnswerSearch"/>.
/// </summary>
/// <param name="maximumTokens">Maximum number of tokens in a predicted answer.</param>
/// <param name="threshold">Log-odds of "no answer" above which the metrics count none as predicted.</param>
internal sealed class AnswerObjective(int maximumTokens, float threshold) : Objective
{
    private const int LabelWidth = 3;

    public override int Outputs => AnswerSearch.Width;

    /// <summary>Rows differ in their numbers of windows, and the loss is a mean over windows.</summary>
    public override double ReportedCountOf(Targets targets, int rows) => CountOf(targets);

    public override MetricSums CreateMetrics() => new AnswerSums(maximumTokens, threshold);

    public override Tensor ScoresOf(Tensor outputs) => ToRows(outputs);

    public override Tensor ToRows(Tensor outputs) =>
        tensor(AnswerSearch.Of(outputs, maximumTokens), [outputs.shape[0], AnswerSearch.Width], ScalarType.Float32);

    protected override float[] NumbersOf(RowSubset subset, IReadOnlyList<int> rows)
    {
        var (labels, numbers) = (subset.LabelsOf(rows), new float[rows.Count * LabelWidth]);
        for (var i = 0; i < rows.Count; i++)
        {
            labels.AsSpan(i * 2, 2).CopyTo(numbers.AsSpan(i * LabelWidth));
            numbers[i * LabelWidth + 2] = subset.Source.Inputs.WindowsOf(rows[i]);
        }
        return numbers;
    }

    protected override IReadOnlyList<string>? ContextsOf(RowSubset subset, IReadOnlyList<int> rows) =>
        [.. rows.Select(row => subset.Source.Inputs.ContextOf(row) ?? "")];

    protected override Tensor LabelsOf(float[] labels, Device device) =>
        tensor(labels, [labels.Length / LabelWidth, LabelWidth], ScalarType.Float32, device);

    protected override Tensor SharesOf(Tensor labels) => throw new NotSupportedException("Rows of answers are not mixed.");

    // The sum over the windows of each row.
    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var scope = NewDisposeScope();
        var (rows, windows, slots) = (outputs.shape[0], outputs.shape[1], outputs.shape[2]);
        var device = outputs.device;
        var (present, wanted) = WindowsOf(outputs, targets.Labels);
        var places = tensor(present, ScalarType.Int64, device); // M of the N * K windows
        var tokens = outputs.reshape(rows * windows, slots, AnswerLogits.Width).index_select(0, places).permute(0, 2, 1); // [M, 4, S]
        var isMissing = tokens.narrow(1, 2, 1).isnan(); // tokens beyond the end have no share
        var logits = tokens.narrow(1, 0, 2).MaskedFill(isMissing, double.NegativeInfinity).reshape(-1, slots); // [2 M, S]
        var each = nn.functional.cross_entropy(logits, tensor(wanted, ScalarType.Int64, device), reduction: nn.Reduction.None);
        var ofWindows = each.view(-1, 2).mean([1]); // [M]
        var ofRow = tensor(Array.ConvertAll(present, window => window / windows), ScalarType.Int64, device);
        return zeros([rows], outputs.dtype, device).scatter_add(0, ofRow, ofWindows).MoveToOuterDisposeScope();
    }

    // The number of windows.
    protected override Tensor ClassWeightOfEach(Tensor labels) => labels.select(1, 2).clone();

    // The windows that exist, as indices of N * K, and for each the slots of first and last token.
    private static (long[] Present, long[] Wanted) WindowsOf(Tensor outputs, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var (windows, slots) = ((int)outputs.shape[1], (int)outputs.shape[2]);
        ReadOnlySpan<float> offsets = outputs.detach().narrow(3, 2, 2).cpu().contiguous().data<float>().ToArray(); // [N, K, S, 2]
        ReadOnlySpan<float> spans = labels.cpu().data<float>().ToArray();
        var (present, wanted) = (new List<long>(), new List<long>());
        for (var row = 0; row < outputs.shape[0]; row++)
        {
            var ofRow = offsets.Slice(row * windows * slots * 2, windows * slots * 2);
            var (start, end) = Widened(ofRow, slots, spans[row * LabelWidth], spans[row * LabelWidth + 1]);
            for (var window = 0; window < windows; window++)
            {
                var ofWindow = ofRow.Slice(window * slots * 2, slots * 2);
                if (float.IsNaN(ofWindow[0]))
                    break; // the row has fewer windows than others
                present.Add(row * windows + window);
                var (first, last) = SlotsOf(ofWindow, start, end);
                wanted.Add(first);
                wanted.Add(last);
            }
        }
        return ([.. present], [.. wanted]);
    }

    // The characters of all tokens of the row that have a character of the answer.
    private static (float Start, float End) Widened(ReadOnlySpan<float> offsets, int slots, float start, float end)
    {
        var (first, last) = (float.PositiveInfinity, float.NegativeInfinity);
        for (var slot = 0; slot < offsets.Length / 2; slot++)
        {
            if (slot % slots != 0 && offsets[2 * slot] < end && offsets[2 * slot + 1] > start)
                (first, last) = (Math.Min(first, offsets[2 * slot]), Math.Max(last, offsets[2 * slot + 1]));
        }
        return (first, last);
    }

    // The slots of an answer that is whole in a window; otherwise those of the class token.
    private static (int First, int Last) SlotsOf(ReadOnlySpan<float> window, float start, float end)
    {
        var (first, last) = (0, 0);
        for (var slot = 1; slot < window.Length / 2 && !float.IsNaN(window[2 * slot]); slot++)
        {
            if (window[2 * slot + 1] <= window[2 * slot])
                continue; // a token without characters
            if (first == 0 && window[2 * slot] == start)
                first = slot;
            if (window[2 * slot + 1] == end)
                last = slot;
        }
        return first > 0 && last >= first ? (first, last) : (0, 0);
    }
}
