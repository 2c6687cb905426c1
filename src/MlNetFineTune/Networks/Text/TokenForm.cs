namespace MlNetFineTune.Networks;

/// <summary>The rows of tokens that an input gives a text network.</summary>
/// <param name="Vocabulary">Number of token ids.</param>
/// <param name="MaximumLength">Maximum number of tokens in a sequence, special tokens included.</param>
/// <param name="HasSegments">Whether the input is made for a network with segments; null if it gives none in any case.</param>
internal sealed record TokenForm(int Vocabulary, int MaximumLength, bool? HasSegments);
