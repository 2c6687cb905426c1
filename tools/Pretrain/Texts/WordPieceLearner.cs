using MlNetFineTune.Tokenizers;

namespace Pretrain;

/// <summary>
/// Learns a WordPiece vocabulary: the characters of the texts, and then again and again the pair of adjacent pieces that is most frequent
/// (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909, as Hugging Face's <c>WordPieceTrainer</c> does; the original of Wu et al. 2016
/// was not published). Ties are broken by the text of the piece.
/// </summary>
internal sealed class WordPieceLearner
{
    private const string Prefix = "##";

    // Words and characters that are rarer are left to the pieces, or unknown.
    private const int FewestOfWord = 3, FewestOfCharacter = 100;

    private static readonly string[] s_specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    private readonly List<(List<string> Pieces, long Count)> _words = [];
    private readonly Dictionary<(string, string), long> _counts = [];
    private readonly Dictionary<(string, string), HashSet<int>> _places = [];

    /// <param name="texts">The texts.</param>
    /// <param name="size">Number of pieces, special tokens included.</param>
    public static string[] Learn(IEnumerable<string> texts, int size)
    {
        var words = CountWords(texts);
        var characters = words.SelectMany(word => word.Key.Select(c => (Character: c, word.Value)))
            .GroupBy(one => one.Character, (c, all) => (Character: c, Count: all.Sum(one => one.Value)))
            .Where(one => one.Count >= FewestOfCharacter).Select(one => one.Character).Order().ToList();
        List<string> vocabulary =
        [
            .. s_specials, .. characters.Select(c => $"{c}"),
            .. characters.Where(char.IsAsciiLetterOrDigit).Select(c => $"{Prefix}{c}"), // punctuation is a word of its own
        ];

        var learner = new WordPieceLearner();
        foreach (var (word, count) in words.OrderBy(word => word.Key, StringComparer.Ordinal))
        {
            if (count >= FewestOfWord && word.All(characters.Contains))
                learner.Add(word, count);
        }
        var known = vocabulary.ToHashSet(StringComparer.Ordinal);
        while (vocabulary.Count < size && learner.Merge() is { } piece)
        {
            if (known.Add(piece)) // two pairs may give the same piece
                vocabulary.Add(piece);
        }
        return [.. vocabulary];
    }

    // With a vocabulary of single characters, the tokenizer itself says what a word is.
    private static Dictionary<string, long> CountWords(IEnumerable<string> texts)
    {
        var printable = Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Where(c => !char.IsAsciiLetterUpper(c)).ToList();
        var tokens = new TokenList(
            [.. s_specials, .. printable.Select(c => $"{c}"), .. printable.Select(c => $"{Prefix}{c}")], "of characters");
        var tokenizer = new BertTokenizer(tokens, new BertOptions());
        var words = new Dictionary<string, long>(StringComparer.Ordinal);
        var pieces = new List<TextPiece>();
        foreach (var text in texts)
        {
            pieces.Clear();
            tokenizer.Encode(text, pieces);
            for (int first = 0, end; first < pieces.Count; first = end)
            {
                for (end = first + 1; end < pieces.Count && tokens[pieces[end].Id].StartsWith(Prefix, StringComparison.Ordinal)
                    && tokens[pieces[end].Id].Length > Prefix.Length; end++)
                {
                }
                if (pieces[first].Id != tokenizer.Specials.Unknown)
                {
                    var word = string.Concat(pieces.GetRange(first, end - first).Select(piece => tokens[piece.Id][^1]));
                    words[word] = words.GetValueOrDefault(word) + 1;
                }
            }
        }
        return words;
    }

    private void Add(string word, long count)
    {
        _words.Add(([.. word.Select((c, i) => i == 0 ? $"{c}" : $"{Prefix}{c}")], count));
        Count(_words.Count - 1, sign: 1);
    }

    /// <summary>Joins the most frequent pair everywhere.</summary>
    /// <returns>The new piece; null if no pair is left.</returns>
    private string? Merge()
    {
        if (_counts.Count == 0)
            return null;
        var best = default(KeyValuePair<(string First, string Second), long>);
        foreach (var one in _counts)
        {
            if (one.Value > best.Value || one.Value == best.Value && Compare(one.Key, best.Key) < 0)
                best = one;
        }
        if (best.Value < FewestOfWord)
            return null;
        var pair = best.Key;
        var piece = pair.First + pair.Second[Prefix.Length..];
        foreach (var index in _places[pair].ToArray())
        {
            Count(index, sign: -1);
            var pieces = _words[index].Pieces;
            for (var i = 0; i + 1 < pieces.Count; i++)
            {
                if (pieces[i] == pair.First && pieces[i + 1] == pair.Second)
                {
                    pieces[i] = piece;
                    pieces.RemoveAt(i + 1);
                }
            }
            Count(index, sign: 1);
        }
        return piece;
    }

    // Adds or removes the pairs of a word.
    private void Count(int index, int sign)
    {
        var (pieces, count) = _words[index];
        for (var i = 0; i + 1 < pieces.Count; i++)
        {
            var pair = (pieces[i], pieces[i + 1]);
            var left = _counts.GetValueOrDefault(pair) + sign * count;
            if (left == 0)
            {
                _counts.Remove(pair);
                _places.Remove(pair);
                continue;
            }
            _counts[pair] = left;
            if (!_places.TryGetValue(pair, out var places))
                _places[pair] = places = [];
            if (sign > 0)
                places.Add(index);
            else
                places.Remove(index);
        }
    }

    private static int Compare((string, string) one, (string, string) other) =>
        string.CompareOrdinal(one.Item1, other.Item1) is var first and not 0 ? first : string.CompareOrdinal(one.Item2, other.Item2);
}
