using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>A column of words.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="MaximumLength">Maximum number of tokens in a window.</param>
/// <param name="MaximumWords">Maximum number of words in a row.</param>
/// <param name="Tokenizer">The tokenizer. Its vocabulary is a file beside the manifest.</param>
internal sealed record WordInputManifest(string Column, int MaximumLength, int MaximumWords, TokenizerManifest Tokenizer) : InputManifest
{
    /// <summary>The largest number of words in a row.</summary>
    public const int MostWords = 1 << 16;

    private const int Longest = 1 << 16;

    [JsonIgnore]
    public override byte[]? Vocabulary => Tokenizer.Vocabulary;

    public override InputManifest WithVocabulary(Func<byte[]> load) =>
        this with { Tokenizer = Tokenizer with { Vocabulary = load() } };

    public override ModelInput Create() =>
        MaximumLength is >= TextInputManifest.Shortest and <= Longest && MaximumWords is >= 1 and <= MostWords
        && !string.IsNullOrWhiteSpace(Column)
        ? new WordInput(new WordColumn(Column), Tokenizer.Create(Tokenizer.Vocabulary), MaximumLength, MaximumWords)
        : throw new ArgumentException(FormattableString.Invariant(
            $"there is no column {SafeText.Of(Column)} of {MaximumWords} words in windows of {MaximumLength} tokens"));
}
