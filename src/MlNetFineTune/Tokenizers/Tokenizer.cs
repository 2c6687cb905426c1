namespace MlNetFineTune.Tokenizers;

/// <summary>Splits texts into the pieces whose numbers a language model reads.</summary>
internal abstract class Tokenizer
{
    /// <summary>The kind, for messages: <c>BERT WordPiece, uncased</c>.</summary>
    public abstract string Name { get; }

    public abstract int VocabularySize { get; }

    public abstract SpecialTokens Specials { get; }

    /// <summary><see cref="SpecialTokens.End"/> tokens between two texts: 1 for BERT (<c>[CLS] a [SEP] b [SEP]</c>), 2 for RoBERTa
    /// (<c>&lt;s&gt; a &lt;/s&gt;&lt;/s&gt; b &lt;/s&gt;</c>).</summary>
    public abstract int PairSeparators { get; }

    /// <summary>
    /// Appends the pieces of a text, without special tokens. Thread-safe. Any text is allowed: half a surrogate pair is left out. The name
    /// of a special token in the text stays text, so that no row can end itself or hide a word; Hugging Face makes it special.
    /// Starts and ends never fall; two pieces have a common source where one character was decomposed into several.
    /// </summary>
    public abstract void Encode(ReadOnlySpan<char> text, List<TextPiece> pieces);

    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract string TokenOf(int id);

    /// <summary>What a model file contains of it.</summary>
    public abstract TokenizerManifest Describe();
}
