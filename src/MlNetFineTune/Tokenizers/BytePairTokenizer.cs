using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// Byte-level BPE as GPT-2 and RoBERTa do it (Radford et al. 2019; https://github.com/openai/gpt-2, encoder.py): the UTF-8 bytes of each
/// word, merged by a fixed list of pairs. A piece's range leaves out the space before its word, as RoBERTa's in transformers; a piece
/// that is a part of a character has the whole character as its range.
/// </summary>
internal sealed class BytePairTokenizer : Tokenizer
{
    private readonly TokenList _tokens;
    private readonly string[] _lines;
    private readonly SpecialNames _names;
    private readonly bool _addPrefixSpace;
    private readonly BytePairMerges _merges;
    private readonly int[] _bytes = new int[256];

    /// <param name="tokens">The vocabulary, spelled in <see cref="ByteAlphabet"/>.</param>
    /// <param name="merges">The pairs, the first one first, each as two tokens with a space between.</param>
    /// <param name="names">Names of the special tokens.</param>
    /// <param name="addPrefixSpace">Whether a text that does not begin with white space is read as if a space were before it.</param>
    /// <param name="pairSeparators">See <see cref="Tokenizer.PairSeparators"/>.</param>
    /// <exception cref="InvalidDataException">The vocabulary lacks a special token, a byte, or a token of a pair.</exception>
    public BytePairTokenizer(TokenList tokens, string[] merges, SpecialNames names, bool addPrefixSpace, int pairSeparators)
    {
        _tokens = tokens;
        _lines = merges;
        _names = names;
        _addPrefixSpace = addPrefixSpace;
        PairSeparators = pairSeparators;
        Specials = names.In(tokens);
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

    public override int PairSeparators { get; }

    public override string TokenOf(int id) => _tokens[Checked.Range(id, 0, _tokens.Count - 1)];

    public override BytePairTokenizerManifest Describe()
    {
        var vocabulary = TokenList.ToBytes([.. _tokens.All, .. _lines]);
        return new BytePairTokenizerManifest(
            ContentHash.Of(vocabulary).ToString(), _tokens.Count, _names, _addPrefixSpace, PairSeparators)
        {
            Vocabulary = vocabulary,
        };
    }

    public override void Encode(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        var first = pieces.Count;
        var word = new List<int>();
        var addsSpace = _addPrefixSpace && !text.IsEmpty && !char.IsWhiteSpace(text[0]);
        if (!addsSpace && IsWellFormed(text))
        {
            EncodeWords(text, word, pieces);
            return;
        }
        // The text as it is read, and where each of its units comes from.
        var (read, sources) = (new char[text.Length + 1], new int[text.Length + 1]);
        var length = addsSpace ? 1 : 0;
        read[0] = ' ';
        for (var at = 0; at < text.Length;)
        {
            var isWhole = Rune.DecodeFromUtf16(text[at..], out _, out var width) == OperationStatus.Done;
            for (var end = at + width; at < end; at++)
            {
                if (isWhole)
                    (read[length], sources[length++]) = (text[at], at);
            }
        }
        EncodeWords(read.AsSpan(0, length), word, pieces);
        foreach (ref var piece in CollectionsMarshal.AsSpan(pieces)[first..])
            piece = new TextPiece(piece.Id, sources[piece.Start], piece.End == 1 && addsSpace ? 0 : sources[piece.End - 1] + 1);
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

    private void EncodeWords(ReadOnlySpan<char> text, List<int> word, List<TextPiece> pieces)
    {
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

    private static Rune RuneAt(ReadOnlySpan<char> text, int at)
    {
        _ = Rune.DecodeFromUtf16(text[at..], out var rune, out _);
        return rune;
    }
}
