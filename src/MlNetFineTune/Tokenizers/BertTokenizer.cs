using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// WordPiece as Google's BERT does it (<c>FullTokenizer</c>, https://github.com/google-research/bert, tokenization.py; Hugging Face's
/// <c>BertTokenizer</c>): words between spaces and punctuation, and the longest piece of the vocabulary that fits, again and again
/// (Wu et al. 2016, https://arxiv.org/abs/1609.08144). One pass over the text, which is never copied: words of ASCII are looked up as
/// they are read, others go through <see cref="BertCharacters"/> with the source of each character.
/// </summary>
internal sealed class BertTokenizer : Tokenizer
{
    private const int AsciiCount = 128;

    private readonly TokenList _tokens;
    private readonly BertOptions _options;
    private readonly BertCharacters _characters;
    private readonly WordPieces _vocabulary;

    // By ASCII character: what it is; for a letter or digit, how it is looked up; for punctuation, its token.
    private readonly BertCharacter[] _asciiKinds = new BertCharacter[AsciiCount];
    private readonly char[] _asciiLetters = new char[AsciiCount];
    private readonly int[] _asciiTokens = new int[AsciiCount];

    /// <exception cref="InvalidDataException">The vocabulary lacks a special token.</exception>
    /// <exception cref="PlatformNotSupportedException">Accents cannot be stripped in this process.</exception>
    public BertTokenizer(TokenList tokens, BertOptions options)
    {
        _tokens = tokens;
        _options = options;
        Specials = options.Specials.In(tokens);
        _characters = BertCharacters.Of(options.Normalization);
        _vocabulary = new WordPieces(tokens, options.ContinuationPrefix);
        for (var i = 0; i < AsciiCount; i++)
        {
            _asciiKinds[i] = _characters.Classify(i, out var text);
            if (_asciiKinds[i] is BertCharacter.Plain or BertCharacter.Mapped)
                _asciiLetters[i] = text is null ? (char)i : text[0];
            else if (_asciiKinds[i] == BertCharacter.Punctuation)
                _asciiTokens[i] = _vocabulary.Beginning([(char)i]) is { Length: 1 } found ? found.Id : Specials.Unknown;
        }
    }

    public override string Name => $"BERT WordPiece, {(_options.LowerCase ? "uncased" : "cased")}";

    public override int VocabularySize => _tokens.Count;

    public override SpecialTokens Specials { get; }

    public override int PairSeparators => _options.PairSeparators;

    public override string TokenOf(int id) => _tokens[Checked.Range(id, 0, _tokens.Count - 1)];

    public override BertTokenizerManifest Describe()
    {
        var vocabulary = _tokens.ToBytes();
        return new BertTokenizerManifest(
            ContentHash.Of(vocabulary).ToString(), _options.LowerCase, _options.Normalization.StripAccents, _options.SeparateIdeographs,
            _options.MaximumWordLength, _options.ContinuationPrefix, _options.Specials, _options.PairSeparators)
        {
            Vocabulary = vocabulary,
        };
    }

    public override void Encode(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        var room = 2 * _options.MaximumWordLength;
        using var units = new ScratchBuffer<char>(room);
        using var starts = new ScratchBuffer<int>(room);
        using var ends = new ScratchBuffer<int>(room);
        var word = new AlignedWord(units.Span, starts.Span, ends.Span, _options.MaximumWordLength);
        for (var at = 0; at < text.Length;)
        {
            var first = text[at];
            if (first >= AsciiCount)
            {
                at = EncodeWord(text, at, ref word, pieces);
                continue;
            }
            switch (_asciiKinds[first])
            {
                case BertCharacter.Space or BertCharacter.Dropped:
                    at++;
                    break;
                case BertCharacter.Punctuation:
                    var end = EndOfAccents(text, at + 1);
                    pieces.Add(new TextPiece(_asciiTokens[first], at, end));
                    at = end;
                    break;
                default:
                    at = EncodeAsciiWord(text, at, units.Span, ref word, pieces);
                    break;
            }
        }
    }

    // Most words. Returns where the word ends.
    private int EncodeAsciiWord(ReadOnlySpan<char> text, int start, Span<char> units, ref AlignedWord word, List<TextPiece> pieces)
    {
        var end = start;
        var letters = _asciiLetters;
        while (end < text.Length && text[end] < AsciiCount && letters[text[end]] is var letter and not '\0')
        {
            if (end - start < units.Length)
                units[end - start] = letter;
            end++;
        }
        if (end < text.Length && (text[end] >= AsciiCount || _asciiKinds[text[end]] == BertCharacter.Dropped))
            return EncodeWord(text, start, ref word, pieces); // it goes on with other characters
        if (end - start > _options.MaximumWordLength)
            pieces.Add(new TextPiece(Specials.Unknown, start, end));
        else
            AddPieces(units[..(end - start)], start, pieces);
        return end;
    }

    // Up to the end of the word, with the space or the single character after it.
    private int EncodeWord(ReadOnlySpan<char> text, int start, ref AlignedWord word, List<TextPiece> pieces)
    {
        word.Clear();
        var at = start;
        while (at < text.Length)
        {
            var isWhole = Rune.DecodeFromUtf16(text[at..], out var rune, out var length) == OperationStatus.Done;
            string? mapped = null;
            var kind = isWhole ? _characters.Classify(rune.Value, out mapped) : BertCharacter.Dropped;
            var (from, to) = (at, at + length);
            at = to;
            switch (kind)
            {
                case BertCharacter.Plain:
                    word.Append(rune, from, to);
                    break;
                case BertCharacter.Mapped:
                    word.Append(mapped, from, to);
                    break;
                case BertCharacter.CapitalSigma:
                    word.Append(new Rune(FinalSigma.LowerCase(text, from, _characters)), from, to);
                    break;
                case BertCharacter.OrderedMark:
                    word.AppendOrdered(rune, from, to);
                    break;
                case BertCharacter.OrderingAccent:
                    word.StopOrdering();
                    word.ExtendTo(to);
                    break;
                case BertCharacter.Accent:
                    word.ExtendTo(to);
                    break;
                case BertCharacter.Dropped:
                    break;
                case BertCharacter.Space:
                    AddPieces(word, pieces);
                    return at;
                default:
                    at = kind == BertCharacter.Punctuation ? EndOfAccents(text, to) : to;
                    AddPieces(word, pieces);
                    word.Clear();
                    if (mapped is null)
                        word.Append(rune, from, at);
                    else
                        word.Append(mapped, from, at);
                    AddPieces(word, pieces);
                    return at;
            }
        }
        AddPieces(word, pieces);
        return at;
    }

    // Of the accents that are left out after a character, also between dropped ones.
    private int EndOfAccents(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        for (var at = start; at < text.Length && (text[at] >= AsciiCount || _asciiKinds[text[at]] == BertCharacter.Dropped);)
        {
            var isWhole = Rune.DecodeFromUtf16(text[at..], out var rune, out var length) == OperationStatus.Done;
            var kind = isWhole ? _characters.Classify(rune.Value, out _) : BertCharacter.Dropped;
            if (kind is not (BertCharacter.Accent or BertCharacter.OrderingAccent or BertCharacter.Dropped))
                break;
            at += length;
            if (kind != BertCharacter.Dropped)
                end = at;
        }
        return end;
    }

    private void AddPieces(in AlignedWord word, List<TextPiece> pieces)
    {
        if (word.IsTooLong)
        {
            pieces.Add(new TextPiece(Specials.Unknown, word.Start, word.End));
            return;
        }
        var first = pieces.Count;
        AddPieces(word.Text, 0, pieces);
        foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
            piece = word.Align(piece);
    }

    // A word that cannot be spelled to its end is unknown as a whole.
    private void AddPieces(ReadOnlySpan<char> word, int offset, List<TextPiece> pieces)
    {
        var first = pieces.Count;
        for (var start = 0; start < word.Length;)
        {
            var (id, length) = start == 0 ? _vocabulary.Beginning(word) : _vocabulary.Continuation(word[start..]);
            if (length == 0)
            {
                CollectionsMarshal.SetCount(pieces, first);
                pieces.Add(new TextPiece(Specials.Unknown, offset, offset + word.Length));
                return;
            }
            pieces.Add(new TextPiece(id, offset + start, offset + start + length));
            start += length;
        }
    }
}
