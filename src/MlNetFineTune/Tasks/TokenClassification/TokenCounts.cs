using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>Counts of correct words and entities, lenient and strict.</summary>
/// <param name="areEntities">Whether labels mark entities.</param>
internal sealed class TokenCounts(bool areEntities)
{
    private long _correct;

    public long Words { get; private set; }

    public bool AreEntities => areEntities;

    public EntityCounts Lenient { get; } = new();

    public EntityCounts Strict { get; } = new();

    public double WordAccuracy => (double)_correct / Words;

    /// <summary>Adds the words of a row by whether each is correct.</summary>
    public void AddWords(int correct, int words) => (_correct, Words) = (_correct + correct, Words + words);

    /// <summary>
    /// Adds the tags of a row. The true entities are read by conlleval's rules for both, so that strictness is about predictions alone.
    /// </summary>
    /// <param name="actual">The true tags.</param>
    /// <param name="predicted">The predicted tags.</param>
    /// <param name="scheme">Scheme in which predicted entities must be complete to count as strict ones.</param>
    public void AddEntities(ReadOnlySpan<EntityTag> actual, ReadOnlySpan<EntityTag> predicted, LabelScheme scheme)
    {
        var entities = EntityTags.Lenient(actual);
        Lenient.Add(entities, EntityTags.Lenient(predicted));
        Strict.Add(entities, EntityTags.Strict(predicted, scheme));
    }
}
