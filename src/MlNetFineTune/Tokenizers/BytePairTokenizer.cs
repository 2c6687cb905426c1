using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// Byte-level BPE as GPT-2 and RoBERTa do it (Radford et al. 2019; https://github.com/openai/gpt-2, encoder.py): the UTF-8 bytes of each
/// word, merged by a fixed list of pairs; and as ModernBERT does it, which composes characters and takes out added tokens first. A piece's
/// range leaves out the space before its word, as RoBERTa's in transformers; a piece that is a part of a character has the whole character
/// as its range.
/// </summary>
internal sealed class BytePairTokenizer : Tokenizer
{
    private readonly TokenList _tokens;
    private readonly string[] _lines;
    private readonly BytePairOptions _options;
    private readonly AddedTokens _rawTokens;
    private readonly AddedTokens _composedTokens;
    private readonly BytePairMerges _merges;
    private readonly int[] _bytes = new int[256];

    /// <param name="tokens">The vocabulary, spelled in <see cref="ByteAlphabet"/>.</param>
    /// <param name="merges">The pairs, the first one first, each as two tokens with a space between.</param>
    /// <param name="options">What it does differently from others.</param>
    /// <exception cref="InvalidDataException">The vocabulary lacks a special or added token, a byte, or a token of a pair.</exception>
    /// <exception cref="PlatformNotSupportedException">It composes characters, which this process cannot.</exception>
    public BytePairTokenizer(TokenList tokens, string[] merges, BytePairOptions options)
    {
        if (options.Composes)
            ComposedText.RequireSupport();
        _tokens = tokens;
        _lines = merges;
        _options = options;
        _rawTokens = new AddedTokens(options.RawTokens.Select(token => (token, IdOf(token))));
        _composedTokens = new AddedTokens(options.ComposedTokens.Select(
            token => (options.Composes ? token.Normalize(NormalizationForm.FormC) : token, IdOf(token))));
        Specials = options.Specials.In(tokens);
        _merges = new BytePairMerges(tokens, merges);
        for (var value = 0; value < _bytes.Length; value++)
        {
            _bytes[value] = tokens.Find(ByteAlphabet.Of((byte)value).ToString()) ?? throw TokenList.Bad(
                tokens.Source, $"it has no token for byte {value}; expected the 256 bytes in GPT-2's spelling, as byte-level BPE has them");
        }
    }

    public override string Name => "byte-level BPE";

    public override int VocabularySize => _tokens.Count;

    public override SpecialTokens Specials { get; }

    public override int PairSeparators => _options.PairSeparators;

    public override string TokenOf(int id) => _tokens[Checked.Range(id, 0, _tokens.Count - 1)];

    public override BytePairTokenizerManifest Describe()
    {
        var vocabulary = TokenList.ToBytes([.. _tokens.All, .. _options.RawTokens, .. _options.ComposedTokens, .. _lines]);
        return new BytePairTokenizerManifest(
            ContentHash.Of(vocabulary).ToString(), _tokens.Count, _options.Specials, _options.AddPrefixSpace, PairSeparators,
            _options.Composes, _options.RawTokens.Count, _options.ComposedTokens.Count)
        {
            Vocabulary = vocabulary,
        };
    }

    public override void Encode(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        if (IsWellFormed(text))
        {
            EncodeAsItIs(text, pieces);
            return;
        }
        // The text as it is read, and where each of its units comes from.
        var (read, sources, length) = (new char[text.Length], new int[text.Length], 0);
        for (var at = 0; at < text.Length;)
        {
            var isWhole = Rune.DecodeFromUtf16(text[at..], out _, out var width) == OperationStatus.Done;
            for (var end = at + width; at < end; at++)
            {
                if (isWhole)
                    (read[length], sources[length++]) = (text[at], at);
            }
        }
        var first = pieces.Count;
        EncodeAsItIs(read.AsSpan(0, length), pieces);
        foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
        {
            var start = sources[piece.Start];
            piece = new TextPiece(piece.Id, start, piece.End > piece.Start ? sources[piece.End - 1] + 1 : start);
        }
    }

    private void EncodeAsItIs(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        for (var at = 0; at < text.Length;)
        {
            var token = _rawTokens.FindFrom(at, text);
            var before = text[at..(token?.Start ?? text.Length)];
            var first = pieces.Count;
            var composed = _options.Composes ? ComposedText.Of(before) : null;
            EncodeComposed(composed is null ? before : composed.Text, pieces);
            foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
                piece = Moved(composed?.Align(piece) ?? piece, at);
            at = Take(token, text, pieces);
        }
    }

    private void EncodeComposed(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        for (var at = 0; at < text.Length;)
        {
            var token = _composedTokens.FindFrom(at, text);
            var before = text[at..(token?.Start ?? text.Length)];
            var first = pieces.Count;
            if (_options.AddPrefixSpace && !before.IsEmpty && !char.IsWhiteSpace(before[0]))
                EncodePrefixed(before, pieces);
            else
                EncodeWords(before, pieces);
            foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
                piece = Moved(piece, at);
            at = Take(token, text, pieces);
        }
    }

    // Returns the place after the token.
    private static int Take(TextPiece? token, ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        if (token is not { } found)
            return text.Length;
        pieces.Add(found);
        return found.End;
    }

    private static TextPiece Moved(TextPiece piece, int by) => new(piece.Id, piece.Start + by, piece.End + by);

    // A piece that is the space alone has an empty range.
    private void EncodePrefixed(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        var first = pieces.Count;
        EncodeWords([' ', .. text], pieces);
        foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
            piece = new TextPiece(piece.Id, Math.Max(piece.Start - 1, 0), piece.End - 1);
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOfAnyInRange('\ud800', '\udfff'); at < text.Length && at >= 0;)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out var width) != OperationStatus.Done)
                return false;
            var next = text[(at + width)..].IndexOfAnyInRange('\ud800', '\udfff');
            at = next < 0 ? next : at + width + next;
        }
        return true;
    }

    private void EncodeWords(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        var word = new List<int>();
        Span<byte> bytes = stackalloc byte[4];
        for (var at = 0; at < text.Length;)
        {
            var length = BytePairWords.FirstLength(text[at..]);
            word.Clear();
            foreach (var rune in text.Slice(at, length).EnumerateRunes())
            {
                foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
                    word.Add(_bytes[value]);
            }
            _merges.Apply(word);
            AddPieces(text, at, word, pieces);
            at += length;
        }
    }

    private void AddPieces(ReadOnlySpan<char> text, int at, List<int> word, List<TextPiece> pieces)
    {
        var (rune, into) = (RuneAt(text, at), 0); // the character of the next byte, and how many of its bytes are in earlier pieces
        foreach (var id in word)
        {
            var left = _tokens[id].Length; // a character is a byte
            var start = text[at] == ' ' && left > 1 ? at + 1 : at;
            while (left >= rune.Utf8SequenceLength - into)
            {
                left -= rune.Utf8SequenceLength - into;
                at += rune.Utf16SequenceLength;
                into = 0;
                if (left == 0)
                    break;
                rune = RuneAt(text, at);
            }
            into += left;
            pieces.Add(new TextPiece(id, start, into > 0 ? at + rune.Utf16SequenceLength : at));
            if (into == 0 && at < text.Length)
                rune = RuneAt(text, at);
        }
    }

    private int IdOf(string token) => _tokens.Find(token)
        ?? throw TokenList.Bad(_tokens.Source, $"it has no {SafeText.Quoted(token)}; expected each added token");

    private static Rune RuneAt(ReadOnlySpan<char> text, int at)
    {
        _ = Rune.DecodeFromUtf16(text[at..], out var rune, out _);
        return rune;
    }
}
