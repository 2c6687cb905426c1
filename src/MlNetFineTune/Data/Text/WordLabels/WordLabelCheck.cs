using Microsoft.ML;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// Checks the labels of training rows: as many as words, none missing, and in the order that the scheme allows, if one is stated.
/// </summary>
/// <param name="Column">Name of the label column.</param>
/// <param name="Scheme">The stated scheme.</param>
internal sealed record WordLabelCheck(string Column, LabelScheme Scheme)
{
    /// <returns>Null, or the reason why the current row cannot be used.</returns>
    public delegate string? Next(string[] words);

    public Next Reader(DataViewRow row)
    {
        var next = LabelTexts.Reader(row, row.Schema[Column]);
        return words => Check(words, next());
    }

    /// <inheritdoc cref="Next"/>
    /// <param name="words">The words.</param>
    /// <param name="labels">Their labels.</param>
    public string? Check(string[] words, string?[] labels)
    {
        if (words.Length != labels.Length)
            return FormattableString.Invariant($"it has {words.Length} words, and column '{Column}' has {labels.Length} labels");
        var missing = Array.IndexOf(labels, null);
        if (missing >= 0)
            return $"column '{Column}' has no label for {Word(words, missing)}";
        if (Scheme is LabelScheme.Recognize or LabelScheme.Plain)
            return null;
        var tags = new EntityTag[labels.Length];
        for (var word = 0; word < labels.Length; word++)
        {
            if (!EntityTag.TryParse(labels[word]!, out tags[word]))
                return $"{Word(words, word)} has the label {SafeText.Quoted(labels[word]!)}, which is none of LabelScheme.{Scheme}";
        }
        return EntityTags.FindIllegal(tags, Scheme) is { } illegal ? Explain(words, labels, illegal) : null;
    }

    private string Explain(string[] words, string?[] labels, int word)
    {
        var before = word == 0 ? "at the beginning" : $"after {SafeText.Quoted(labels[word - 1]!)}";
        return word == labels.Length
            ? $"its last label is {SafeText.Quoted(labels[word - 1]!)}, and LabelScheme.{Scheme} ends an entity with E- or S-"
            : $"{Word(words, word)} has the label {SafeText.Quoted(labels[word]!)} {before}, which LabelScheme.{Scheme} does not allow";
    }

    private static string Word(string[] words, int index) =>
        FormattableString.Invariant($"word {index + 1} ({SafeText.Quoted(words[index])})");
}
