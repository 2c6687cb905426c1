namespace MlNetFineTune;

/// <summary>An entity in a text, found by a model of <c>LearningTask.TokenClassification</c>.</summary>
/// <param name="Type">Type of the entity, such as PER.</param>
/// <param name="FirstWord">Index of its first word, from 0.</param>
/// <param name="EndWord">Index after its last word.</param>
/// <param name="Start">
/// Index of its first UTF-16 unit in the words joined by a blank: <c>string.Join(' ', words)[Start..End]</c> is its text.
/// </param>
/// <param name="End">Index after its last UTF-16 unit.</param>
public readonly record struct EntitySpan(string Type, int FirstWord, int EndWord, int Start, int End)
{
    // First word, end word, start and end.
    internal const int Numbers = 4;

    /// <summary>The entities of a row from the columns of a scored row.</summary>
    /// <param name="spans">The column <c>PredictedSpans</c>: four numbers for each entity.</param>
    /// <param name="types">The column <c>PredictedSpanTypes</c>: a type for each entity.</param>
    /// <exception cref="ArgumentException">The columns do not belong together.</exception>
    public static IReadOnlyList<EntitySpan> From(IReadOnlyList<int> spans, IReadOnlyList<string> types)
    {
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(types);
        if (spans.Count != Numbers * types.Count)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"{types.Count} types belong to {Numbers * types.Count} numbers, and there are {spans.Count}."),
                nameof(spans));
        }
        return [.. types.Select((type, i) => new EntitySpan(
            type, spans[Numbers * i], spans[Numbers * i + 1], spans[Numbers * i + 2], spans[Numbers * i + 3]))];
    }
}
