using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>Options of BERT's tokenizer, by their names in <c>tokenizer_config.json</c>.</summary>
internal sealed record BertOptions
{
    /// <summary><c>do_lower_case</c>: the model is uncased.</summary>
    public bool LowerCase { get; init; } = true;

    /// <summary><c>strip_accents</c>; null as <see cref="LowerCase"/>.</summary>
    public bool? StripAccents { get; init; }

    /// <summary><c>tokenize_chinese_chars</c>: each ideograph is a word.</summary>
    public bool SeparateIdeographs { get; init; } = true;

    /// <summary><c>max_input_chars_per_word</c>, in code points: longer words are unknown.</summary>
    public int MaximumWordLength
    {
        get;
        init => field = Checked.Range(value, 1, 10_000);
    } = 100;

    /// <summary><c>continuing_subword_prefix</c> of the pieces that do not begin a word.</summary>
    public string ContinuationPrefix
    {
        get;
        init => field = value is { Length: > 0 and <= 16 }
            ? value
            : throw new ArgumentException("The prefix of continuing pieces must have 1 to 16 characters.", nameof(ContinuationPrefix));
    } = "##";

    public SpecialNames Specials { get; init; } = SpecialNames.Bert;

    /// <summary>See <see cref="Tokenizer.PairSeparators"/>.</summary>
    public int PairSeparators
    {
        get;
        init => field = Checked.Range(value, 1, 2);
    } = 1;

    public BertNormalization Normalization => new(LowerCase, StripAccents ?? LowerCase, SeparateIdeographs);
}
