namespace MlNetFineTune.Tokenizers;

/// <summary>Numbers of the tokens that stand for no text.</summary>
/// <param name="Start">Before a text, and read by classifiers: <c>[CLS]</c>, <c>&lt;s&gt;</c>.</param>
/// <param name="End">After a text, and between two: <c>[SEP]</c>, <c>&lt;/s&gt;</c>.</param>
/// <param name="Padding">Fills the shorter rows of a batch: <c>[PAD]</c>, <c>&lt;pad&gt;</c>.</param>
/// <param name="Unknown">A word that the vocabulary cannot spell: <c>[UNK]</c>, <c>&lt;unk&gt;</c>.</param>
/// <param name="Mask">A hidden token of pretraining: <c>[MASK]</c>, <c>&lt;mask&gt;</c>; null if the vocabulary has none.</param>
internal sealed record SpecialTokens(int Start, int End, int Padding, int Unknown, int? Mask);
