using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The objective of token classification: cross-entropy of each word, and its mean over the words of the whole step. Outputs are
/// [N, W, labels], NaN for words beyond the end of a row; scores are for each of the maximum number of words the probabilities and the
/// word's number of UTF-16 units, NaN beyond the end.
/// </summary>
/// <param name="tags">The outputs for a word.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
/// <param name="classWeights">One weight for each label; null if all are 1.</param>
internal sealed class TokenObjective(WordTags tags, int maximumWords, float[]? classWeights = null) : Objective
{
    private const long NoLabel = -1;

    public override int Outputs => checked(maximumWords * tags.Count);

    public override int ScoreLength => checked(maximumWords * (tags.Count + 1));

    /// <summary>Rows differ in their numbers of words, and the loss is a mean over words.</summary>
    public override double ReportedCountOf(Targets targets, int rows) => CountOf(targets);

    public override MetricSums CreateMetrics() => new TokenSums(tags);

    public override Tensor ScoresOf(Tensor outputs) => nn.functional.softmax(outputs, dim: 2);

    public override Tensor ScoresOf(Tensor outputs, ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        var lengths = inputs.Beside[TextInputNames.WordLengths].to_type(outputs.dtype).unsqueeze(2); // [N, W, 1]
        return ToRows(cat([ScoresOf(outputs), lengths], dim: 2)).MoveToOuterDisposeScope();
    }

    /// <summary>[N, W, n] -> [N, maximum * n]. The caller disposes the result.</summary>
    public override Tensor ToRows(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        var (rows, more, width) = (outputs.shape[0], maximumWords - outputs.shape[1], outputs.shape[2]);
        var missing = Scalars.Full(rows * more * width, double.NaN).view(rows, more, width).to(outputs.device);
        return cat([outputs.to_type(ScalarType.Float32), missing], dim: 1).view(rows, -1).MoveToOuterDisposeScope();
    }

    // [N, W], with W words in the longest of the rows
    protected override Tensor LabelsOf(float[] labels, Device device)
    {
        var rows = labels.Length / maximumWords;
        var longest = 1;
        for (var row = 0; row < rows; row++)
            longest = Math.Max(longest, WordsOf(labels.AsSpan(row * maximumWords, maximumWords)));
        var places = new long[rows * longest];
        for (var i = 0; i < places.Length; i++)
            places[i] = labels[i / longest * maximumWords + i % longest] is var label && float.IsNaN(label) ? NoLabel : (long)label;
        return tensor(places, [rows, longest], ScalarType.Int64, device);
    }

    protected override Tensor SharesOf(Tensor labels) => throw new NotSupportedException("Rows of words are not mixed.");

    // The sum over the words of each row.
    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var scope = NewDisposeScope();
        var (rows, words) = (outputs.shape[0], outputs.shape[1]);
        var (ofRow, places, classes) = Counted(targets.Labels, words);
        var device = outputs.device;
        var chosen = outputs.reshape(-1, tags.Count).index_select(0, tensor(places, ScalarType.Int64, device)); // [labelled words, labels]
        var wanted = tensor(classes, ScalarType.Int64, device);
        var each = nn.functional.cross_entropy(chosen, wanted, reduction: nn.Reduction.None);
        if (WeightsOf(outputs.dtype, device) is { } weights)
            each = each.mul(weights.index_select(0, wanted));
        return zeros([rows], outputs.dtype, device).scatter_add(0, tensor(ofRow, ScalarType.Int64, device), each)
            .MoveToOuterDisposeScope();
    }

    // The number of words of each row, weighted by their classes.
    protected override Tensor ClassWeightOfEach(Tensor labels)
    {
        var (ofRow, _, classes) = Counted(labels, labels.shape[1]);
        var counts = new float[labels.shape[0]];
        foreach (var (row, place) in ofRow.Zip(classes))
            counts[row] += classWeights?[place] ?? 1;
        return tensor(counts, ScalarType.Float32, labels.device);
    }

    /// <summary>Number of words with a label before the end of a row.</summary>
    public static int WordsOf(ReadOnlySpan<float> labels)
    {
        var end = labels.Length;
        while (end > 0 && float.IsNaN(labels[end - 1]))
            end--;
        return end;
    }

    // The labelled words: their rows, their places among N * words outputs, and their labels.
    private static (long[] Rows, long[] Places, long[] Classes) Counted(Tensor labels, long words)
    {
        using var scope = NewDisposeScope();
        var all = labels.cpu().data<long>().ToArray();
        var width = labels.shape[1];
        long[] labelled = [.. Enumerable.Range(0, all.Length).Where(at => all[at] != NoLabel).Select(at => (long)at)];
        return (
            Array.ConvertAll(labelled, at => at / width), Array.ConvertAll(labelled, at => at / width * words + at % width),
            Array.ConvertAll(labelled, at => all[at]));
    }

    private Tensor? WeightsOf(ScalarType type, Device device) => classWeights is null ? null : tensor(classWeights, type, device);
}
