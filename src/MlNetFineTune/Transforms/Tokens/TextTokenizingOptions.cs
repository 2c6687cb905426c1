using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>Options of <c>ml.Transforms.TokenizeText</c>. All are optional.</summary>
public sealed record TextTokenizingOptions
{
    /// <summary>
    /// Maximum number of tokens in a row, special tokens included. Longer texts are truncated. At least 6, at most
    /// <see cref="TextBackbone.MaximumLength"/> of the network, or for a model the maximum of its training. Default null: that
    /// of the training for a fine-tuned model; else 128, or <see cref="TextBackbone.MaximumLength"/> if that is lower.
    /// </summary>
    public int? MaximumLength
    {
        get;
        init
        {
            if (value is { } length)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(length, TextInputManifest.Shortest, nameof(MaximumLength));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(length, TextInputManifest.Longest, nameof(MaximumLength));
            }
            field = value;
        }
    }

    /// <summary>
    /// What remains of longer texts. With <see cref="TextTruncation.Refuse"/> they have no tokens, and <see cref="StatusColumnName"/> has
    /// the reason. Default null: that of the training for a fine-tuned model, else <see cref="TextTruncation.KeepStart"/>.
    /// </summary>
    public TextTruncation? Truncation
    {
        get;
        init => field = value is null || Enum.IsDefined(value.Value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Truncation), value, "There is no such truncation.");
    }

    /// <summary>
    /// Name of a second column of texts, for pairs: both are in one sequence with a separator. Default null: single texts; for a
    /// fine-tuned model the second column of the training, if it had one.
    /// </summary>
    public string? SecondTextColumnName
    {
        get;
        init => field = Named(value, nameof(SecondTextColumnName));
    }

    /// <summary>
    /// Whether all vectors have <see cref="MaximumLength"/> elements, filled with the padding token, as ML.NET's <c>ApplyOnnxModel</c>
    /// requires. A row that is refused (<see cref="StatusColumnName"/>) is all padding, whose scores say nothing: filter it. Default false:
    /// as many as the row has tokens.
    /// </summary>
    public bool PadToMaximumLength { get; init; }

    /// <summary>
    /// Name of a vector of Int64, 1 for each token and 0 for padding: <c>attention_mask</c>. Default null: no such column.
    /// </summary>
    public string? MaskColumnName
    {
        get;
        init => field = Named(value, nameof(MaskColumnName));
    }

    /// <summary>
    /// Name of a vector of Int64, 1 for tokens of the second text and 0 for others: <c>token_type_ids</c>. Default null: no such column.
    /// </summary>
    public string? TokenTypesColumnName
    {
        get;
        init => field = Named(value, nameof(TokenTypesColumnName));
    }

    /// <summary>
    /// Name of a vector of Text, each token as it is in the vocabulary: <c>[CLS]</c>, <c>play</c>, <c>##ing</c>. Default null: no such
    /// column.
    /// </summary>
    public string? TokensColumnName
    {
        get;
        init => field = Named(value, nameof(TokensColumnName));
    }

    /// <summary>
    /// Name of a vector of Int32, two for each token: its first character in the text, and the one after its last, in UTF-16 units; both 0
    /// for special tokens. Of pairs each token counts in its own text. Default null: no such column.
    /// </summary>
    public string? OffsetsColumnName
    {
        get;
        init => field = Named(value, nameof(OffsetsColumnName));
    }

    /// <summary>
    /// Name of a text column with the reason why a row has no tokens; empty for other rows. Default null: no such column.
    /// </summary>
    public string? StatusColumnName
    {
        get;
        init => field = Named(value, nameof(StatusColumnName));
    }

    private static string? Named(string? value, string property)
    {
        if (value is not null)
            ArgumentException.ThrowIfNullOrWhiteSpace(value, property);
        return value;
    }
}
