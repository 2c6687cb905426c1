using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>A column of questions and one of the contexts that may hold the answers.</summary>
/// <param name="Column">Name of the column of questions.</param>
/// <param name="ContextColumn">Name of the column of contexts.</param>
/// <param name="MaximumLength">Maximum number of tokens in a window.</param>
/// <param name="MaximumContext">Maximum number of tokens in a context.</param>
/// <param name="MaximumAnswer">Maximum number of tokens in an answer.</param>
/// <param name="HasSegments">Whether the network has segment embeddings.</param>
/// <param name="Tokenizer">The tokenizer. Its vocabulary is a file beside the manifest.</param>
internal sealed record AnswerInputManifest(
    string Column, string ContextColumn, int MaximumLength, int MaximumContext, int MaximumAnswer, bool HasSegments,
    TokenizerManifest Tokenizer) : InputManifest
{
    /// <summary>The largest number of tokens in a context, and in an answer.</summary>
    public const int MostTokens = 1 << 16;

    [JsonIgnore]
    public override byte[]? Vocabulary => Tokenizer.Vocabulary;

    public override InputManifest WithVocabulary(Func<byte[]> load) =>
        this with { Tokenizer = Tokenizer with { Vocabulary = load() } };

    public override ModelInput Create() =>
        MaximumLength is >= TextInputManifest.Shortest and <= MostTokens && MaximumContext is >= 1 and <= MostTokens
        && MaximumAnswer is >= 1 and <= MostTokens && !string.IsNullOrWhiteSpace(Column) && !string.IsNullOrWhiteSpace(ContextColumn)
        ? new AnswerInput(
            new TextColumns(Column, ContextColumn), Tokenizer.Create(Tokenizer.Vocabulary),
            new AnswerInput.Limits(MaximumLength, MaximumContext, MaximumAnswer), HasSegments)
        : throw new ArgumentException(
            FormattableString.Invariant($"there are no answers of {MaximumAnswer} tokens in column {SafeText.Of(ContextColumn)} of ")
            + FormattableString.Invariant($"{MaximumContext} tokens in windows of {MaximumLength}, to column {SafeText.Of(Column)}"));
}
