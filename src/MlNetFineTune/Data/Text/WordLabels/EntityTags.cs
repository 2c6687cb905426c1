namespace MlNetFineTune.Data;

/// <summary>
/// Entities of tag sequences. Lenient: the rules of conlleval (https://www.cnts.ua.ac.be/conll2000/chunking/conlleval.txt), by which every
/// word with a type belongs to an entity, also where the scheme does not allow the sequence (seqeval's default mode). Strict: only entities
/// that are complete in the scheme (seqeval's <c>mode="strict"</c>).
/// </summary>
internal static class EntityTags
{
    /// <summary>The entities by conlleval's rules, which hold for all schemes.</summary>
    public static List<WordSpan> Lenient(ReadOnlySpan<EntityTag> tags)
    {
        var spans = new List<WordSpan>();
        var (first, before) = (0, EntityTag.Outside);
        for (var word = 0; word <= tags.Length; word++)
        {
            var tag = word < tags.Length ? tags[word] : EntityTag.Outside;
            var breaks = tag.Prefix is 'B' or 'S' || before.Prefix is 'E' or 'S' || tag.Type != before.Type;
            if (!before.IsOutside && (tag.IsOutside || breaks))
                spans.Add(new WordSpan(before.Type, first, word));
            if (!tag.IsOutside && (before.IsOutside || breaks))
                first = word;
            before = tag;
        }
        return spans;
    }

    /// <summary>The entities that are complete in a scheme; other words belong to none.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="scheme">IOB1, IOB2 or BIOES.</param>
    public static List<WordSpan> Strict(ReadOnlySpan<EntityTag> tags, LabelScheme scheme)
    {
        var spans = new List<WordSpan>();
        var (first, type) = (-1, "");
        for (var word = 0; word <= tags.Length; word++)
        {
            var tag = word < tags.Length ? tags[word] : EntityTag.Outside;
            var follows = first >= 0 && tag.Type == type;
            if (follows && tag.Prefix == 'I')
                continue;
            if (first >= 0 && scheme != LabelScheme.Bioes)
                spans.Add(new WordSpan(type, first, word));
            else if (follows && tag.Prefix == 'E')
                spans.Add(new WordSpan(type, first, word + 1));
            if (scheme == LabelScheme.Bioes && tag.Prefix == 'S')
                spans.Add(new WordSpan(tag.Type, word, word + 1));
            (first, type) = Begins(tag, follows, scheme) ? (word, tag.Type) : (-1, "");
        }
        return spans;
    }

    /// <summary>The first word whose tag the scheme does not allow at its place.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="scheme">IOB1, IOB2 or BIOES.</param>
    /// <returns>Its index; the number of words if the last entity has no end; null if all are allowed.</returns>
    public static int? FindIllegal(ReadOnlySpan<EntityTag> tags, LabelScheme scheme)
    {
        var before = EntityTag.Outside;
        for (var word = 0; word <= tags.Length; word++)
        {
            var tag = word < tags.Length ? tags[word] : EntityTag.Outside;
            var isOpen = before.Prefix is 'B' or 'I'; // an entity that can go on
            var follows = isOpen && before.Type == tag.Type;
            var isLegal = scheme switch
            {
                LabelScheme.Iob1 => tag.Prefix is 'I' or 'O' || (tag.Prefix == 'B' && follows),
                LabelScheme.Iob2 => tag.Prefix is 'B' or 'O' || (tag.Prefix == 'I' && follows),
                _ => tag.IsInside ? follows : !isOpen,
            };
            if (!isLegal)
                return word;
            before = tag;
        }
        return null;
    }

    /// <summary>Writes entities in a scheme.</summary>
    /// <param name="spans">The entities in order, which do not overlap.</param>
    /// <param name="words">Number of words.</param>
    /// <param name="scheme">IOB1 or IOB2.</param>
    public static EntityTag[] Write(IEnumerable<WordSpan> spans, int words, LabelScheme scheme)
    {
        var tags = new EntityTag[words];
        Array.Fill(tags, EntityTag.Outside);
        foreach (var span in spans)
        {
            var follows = span.First > 0 && tags[span.First - 1].Type == span.Type;
            tags[span.First] = new EntityTag(scheme == LabelScheme.Iob2 || follows ? 'B' : 'I', span.Type);
            for (var word = span.First + 1; word < span.End; word++)
                tags[word] = new EntityTag('I', span.Type);
        }
        return tags;
    }

    private static bool Begins(EntityTag tag, bool follows, LabelScheme scheme) => scheme == LabelScheme.Iob1
        ? tag.Prefix == 'I' || (tag.Prefix == 'B' && follows)
        : tag.Prefix == 'B';
}
