using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>Counts of entities: an entity is correct if its type and its words are.</summary>
internal sealed class EntityCounts
{
    private readonly SortedDictionary<string, (long Actual, long Predicted, long Correct)> _ofTypes = new(StringComparer.Ordinal);

    /// <summary>The types that are present or predicted, in ordinal order.</summary>
    public IEnumerable<KeyValuePair<string, (long Actual, long Predicted, long Correct)>> OfTypes => _ofTypes;

    public double Precision => Ratio(All.Correct, All.Predicted);

    public double Recall => Ratio(All.Correct, All.Actual);

    public double F1 => Ratio(2 * All.Correct, All.Actual + All.Predicted);

    private (long Actual, long Predicted, long Correct) All
    {
        get
        {
            var all = (Actual: 0L, Predicted: 0L, Correct: 0L);
            foreach (var (actual, predicted, correct) in _ofTypes.Values)
                all = (all.Actual + actual, all.Predicted + predicted, all.Correct + correct);
            return all;
        }
    }

    /// <summary>Adds the entities of a row.</summary>
    public void Add(IReadOnlyCollection<WordSpan> actual, IReadOnlyCollection<WordSpan> predicted)
    {
        foreach (var span in actual)
            Add(span.Type, (1, 0, 0));
        var all = actual.ToHashSet();
        foreach (var span in predicted)
            Add(span.Type, (0, 1, all.Contains(span) ? 1 : 0));
    }

    /// <summary>A ratio of counts; 0 if both are 0, as in conlleval.</summary>
    public static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    private void Add(string type, (long Actual, long Predicted, long Correct) more)
    {
        var (actual, predicted, correct) = _ofTypes.GetValueOrDefault(type);
        _ofTypes[type] = (actual + more.Actual, predicted + more.Predicted, correct + more.Correct);
    }
}
