namespace MlNetFineTune.Networks;

/// <summary>Names of the tensors beside the token ids [N, T], as in transformers.</summary>
internal static class TextInputNames
{
    public const string Tokens = "input_ids";

    /// <summary>[N, T], Boolean: true for tokens that are not padding. Absent if the batch has no padding.</summary>
    public const string Mask = "attention_mask";

    /// <summary>[N, T], Int64: 1 for the tokens of the second text. Absent for single texts, and for networks without segments.</summary>
    public const string Segments = "token_type_ids";
}
