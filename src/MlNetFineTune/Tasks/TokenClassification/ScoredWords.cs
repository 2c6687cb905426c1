using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The scores of a row of words as <see cref="TokenObjective"/> lays them out.</summary>
/// <param name="scores">For each word its probabilities and its number of UTF-16 units; NaN beyond the end.</param>
/// <param name="labels">Number of labels.</param>
internal readonly ref struct ScoredWords(ReadOnlySpan<float> scores, int labels)
{
    private readonly ReadOnlySpan<float> _scores = scores;

    /// <summary>Number of words; 0 if the row could not be scored.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            while ((count + 1) * (labels + 1) <= _scores.Length && !float.IsNaN(_scores[count * (labels + 1) + labels]))
                count++;
            return count;
        }
    }

    public ReadOnlySpan<float> ProbabilitiesOf(int word) => _scores.Slice(word * (labels + 1), labels);

    /// <summary>UTF-16 units of a word.</summary>
    public int LengthOf(int word) => (int)_scores[word * (labels + 1) + labels];

    /// <summary>The most probable label of each word.</summary>
    public int[] Predict()
    {
        var predicted = new int[Count];
        for (var word = 0; word < predicted.Length; word++)
            predicted[word] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(ProbabilitiesOf(word));
        return predicted;
    }

    /// <summary>The predicted entities by conlleval's rules, with their places in the words joined by a blank.</summary>
    public List<EntitySpan> Spans(WordTags tags)
    {
        var predicted = Predict();
        var starts = new int[predicted.Length];
        for (var word = 1; word < starts.Length; word++)
            starts[word] = starts[word - 1] + LengthOf(word - 1) + 1;
        var spans = new List<EntitySpan>();
        foreach (var span in tags.AreEntities ? EntityTags.Lenient(tags.TagsOf(predicted)) : [])
        {
            var end = starts[span.End - 1] + LengthOf(span.End - 1);
            spans.Add(new EntitySpan(span.Type, span.First, span.End, starts[span.First], end));
        }
        return spans;
    }
}
