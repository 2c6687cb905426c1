namespace MlNetFineTune.Networks;

/// <summary>Names of the tensors beside the token ids [N, T], as in transformers.</summary>
internal static class TextInputNames
{
    public const string Tokens = "input_ids";

    /// <summary>[N, T], Boolean: true for tokens that are not padding. Absent if the batch has no padding.</summary>
    public const string Mask = "attention_mask";

    /// <summary>[N, T], Int64: 1 for the tokens of the second text. Absent for single texts, and for networks without segments.</summary>
    public const string Segments = "token_type_ids";

    /// <summary>
    /// [N, W, K], Int64: positions of the first tokens of the words of N rows in their M windows, as indices into the M * T tokens; K is
    /// the number of windows that a word can be in. Present if a task has outputs for each word.
    /// </summary>
    public const string WordPlaces = "word_places";

    /// <summary>[N, W, K], Float32: 1 / number of windows for each window that has the word, otherwise 0.</summary>
    public const string WordShares = "word_shares";

    /// <summary>[N, W], Boolean: false for words beyond the end of a row.</summary>
    public const string HasWord = "has_word";

    /// <summary>[N, W], Float32: UTF-16 units of each word; NaN beyond the end of a row.</summary>
    public const string WordLengths = "word_lengths";

    /// <summary>
    /// [N, K, S], Int64: positions of the tokens that can answer N questions in their M windows, as indices into the M * T tokens; K is the
    /// largest number of windows of a row. The first is that of the class token, which means "no answer"; the others are the tokens of the
    /// context. 0 beyond the end. Present if a task seeks answers.
    /// </summary>
    public const string AnswerPlaces = "answer_places";

    /// <summary>
    /// [N, K, S, 2], Float32: first UTF-16 unit of each of these tokens in the context and the one after the last; 0 for the class token,
    /// NaN beyond the end.
    /// </summary>
    public const string AnswerOffsets = "answer_offsets";
}
