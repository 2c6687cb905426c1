namespace MlNetFineTune.Data;

/// <summary>
/// The outputs for a word. Labels that mark entities are converted to IOB2, unless IOB1 is stated: <c>O</c>, and <c>B-</c> and <c>I-</c> of
/// each type. Other labels stay as they are.
/// </summary>
internal sealed class WordTags
{
    private readonly Dictionary<string, int> _places;
    private readonly EntityTag[] _tags; // of the names; empty for plain labels

    private WordTags(IReadOnlyList<string> names, LabelScheme scheme)
    {
        (Names, Scheme) = (names, scheme);
        _places = names.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        _tags = AreEntities ? [.. names.Select(TagOf)] : [];
    }

    /// <summary>Names of the outputs, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Scheme of the outputs: IOB2, IOB1 or plain.</summary>
    public LabelScheme Scheme { get; }

    /// <summary>Whether the labels mark entities.</summary>
    public bool AreEntities => Scheme != LabelScheme.Plain;

    public int Count => Names.Count;

    /// <summary>The outputs for labels.</summary>
    /// <param name="labels">All labels that occur.</param>
    /// <param name="scheme">Their scheme.</param>
    /// <param name="column">Name of the label column, for messages.</param>
    /// <exception cref="InvalidOperationException">A label is none of the stated scheme.</exception>
    public static WordTags Of(IReadOnlyList<string> labels, LabelScheme scheme, string column)
    {
        var parsed = labels.Select(label => (Label: label, IsTag: EntityTag.TryParse(label, out var tag), Tag: tag)).ToList();
        if (scheme == LabelScheme.Plain
            || (scheme == LabelScheme.Recognize && !(parsed.TrueForAll(one => one.IsTag) && parsed.Exists(one => !one.Tag.IsOutside))))
        {
            return new WordTags([.. labels.Distinct(StringComparer.Ordinal)], LabelScheme.Plain);
        }
        string[] strange = [.. parsed.Where(one => !one.IsTag || !Fits(one.Tag, scheme)).Select(one => one.Label)];
        if (strange.Length > 0)
        {
            throw new InvalidOperationException(
                $"Column '{column}' has labels that are none of LabelScheme.{scheme}: {SafeText.Several(strange, quoted: true)}. "
                + $"Expected O, or {(scheme == LabelScheme.Bioes ? "B-, I-, E- or S-" : "B- or I-")} and a type, as B-PER. "
                + "State another scheme, or LabelScheme.Plain for labels that mark no entities.");
        }
        var types = parsed.Where(one => !one.Tag.IsOutside).Select(one => one.Tag.Type).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        string[] names = ["O", .. types.SelectMany(type => (string[])[$"B-{type}", $"I-{type}"])];
        return new WordTags(names, scheme == LabelScheme.Iob1 ? LabelScheme.Iob1 : LabelScheme.Iob2);
    }

    /// <summary>The outputs of a model file.</summary>
    /// <exception cref="ArgumentException">They are not valid.</exception>
    public static WordTags OfManifest(IReadOnlyList<string> names, LabelScheme scheme) =>
        names is { Count: > 0 } && names.Distinct(StringComparer.Ordinal).Count() == names.Count
        && (scheme == LabelScheme.Plain
            || (scheme is LabelScheme.Iob1 or LabelScheme.Iob2 && names.All(name => EntityTag.TryParse(name, out _))))
            ? new WordTags(names, scheme)
            : throw new ArgumentException($"its labels of words are {SafeText.Several(names ?? [])} ({scheme})");

    /// <summary>Whether a label of other data is known.</summary>
    public bool Knows(string label) => !AreEntities ? _places.ContainsKey(label)
        : EntityTag.TryParse(label, out var tag) && (tag.IsOutside || _places.ContainsKey($"B-{tag.Type}"));

    /// <summary>The outputs of a row's labels.</summary>
    /// <param name="labels">A label for each word; null for a missing one.</param>
    /// <returns>Indices of <see cref="Names"/>; -1 for missing and unknown labels.</returns>
    public int[] PlacesOf(string?[] labels)
    {
        if (!AreEntities)
            return Array.ConvertAll(labels, label => label is null ? -1 : _places.GetValueOrDefault(label, -1));
        var entities = EntityTags.Lenient(Array.ConvertAll(labels, TagOrOutside));
        var converted = EntityTags.Write(entities, labels.Length, Scheme);
        var places = new int[labels.Length];
        for (var word = 0; word < labels.Length; word++)
            places[word] = labels[word] is { } label && Knows(label) ? _places.GetValueOrDefault(converted[word].ToString(), -1) : -1;
        return places;
    }

    /// <summary>The tags of outputs.</summary>
    /// <param name="places">Indices of <see cref="Names"/>; -1 is read as O.</param>
    public EntityTag[] TagsOf(ReadOnlySpan<int> places)
    {
        var tags = new EntityTag[places.Length];
        for (var word = 0; word < tags.Length; word++)
            tags[word] = places[word] >= 0 ? _tags[places[word]] : EntityTag.Outside;
        return tags;
    }

    private static bool Fits(EntityTag tag, LabelScheme scheme) =>
        scheme is LabelScheme.Bioes or LabelScheme.Recognize || tag.Prefix is 'B' or 'I' or 'O';

    private static EntityTag TagOf(string name) => EntityTag.TryParse(name, out var tag) ? tag : EntityTag.Outside;

    private static EntityTag TagOrOutside(string? label) => label is null ? EntityTag.Outside : TagOf(label);
}
