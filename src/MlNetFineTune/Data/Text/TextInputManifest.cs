using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>One or two columns of texts.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="SecondColumn">Name of the second column of pairs; null for single texts.</param>
/// <param name="MaximumLength">Maximum number of tokens in a row.</param>
/// <param name="Truncation">What remains of longer texts.</param>
/// <param name="HasSegments">Whether the network has segment embeddings.</param>
/// <param name="Tokenizer">The tokenizer. Its vocabulary is a file beside the manifest.</param>
internal sealed record TextInputManifest(
    string Column, string? SecondColumn, int MaximumLength, TextTruncation Truncation, bool HasSegments, TokenizerManifest Tokenizer)
    : InputManifest
{
    /// <summary>Special tokens of a pair, and one token of a text.</summary>
    public const int Shortest = 6;

    /// <summary>More than any network reads.</summary>
    public const int Longest = 1 << 16;

    [JsonIgnore]
    public override byte[]? Vocabulary => Tokenizer.Vocabulary;

    public override InputManifest WithVocabulary(Func<byte[]> load) =>
        this with { Tokenizer = Tokenizer with { Vocabulary = load() } };

    public override ModelInput Create() =>
        MaximumLength is >= Shortest and <= Longest && Enum.IsDefined(Truncation) && !string.IsNullOrWhiteSpace(Column)
        ? new TextInput(
            new TextColumns(Column, SecondColumn), Tokenizer.Create(Tokenizer.Vocabulary), MaximumLength, Truncation, HasSegments)
        : throw new ArgumentException(
            FormattableString.Invariant($"there is no column {SafeText.Of(Column)} of texts of {MaximumLength} tokens ({Truncation})"));
}
