namespace MlNetFineTune.Tokenizers;

/// <summary>One piece of a text.</summary>
/// <param name="Id">Its number in the vocabulary.</param>
/// <param name="Start">First UTF-16 unit of the user's own text that the piece stands for.</param>
/// <param name="End">The unit after the last one. Never in the middle of a surrogate pair.</param>
internal readonly record struct TextPiece(int Id, int Start, int End);
