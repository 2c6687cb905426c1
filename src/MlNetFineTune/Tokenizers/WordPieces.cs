using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>The pieces of a WordPiece vocabulary, by text: those that begin a word and those that continue one.</summary>
internal sealed class WordPieces
{
    private readonly SpanLookup<int> _beginnings;
    private readonly SpanLookup<int> _continuations;
    private readonly int _longestBeginning;
    private readonly int _longestContinuation;

    public WordPieces(TokenList tokens, string continuationPrefix)
    {
        var beginnings = new Dictionary<string, int>(tokens.Count, StringComparer.Ordinal);
        var continuations = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (id, token) in tokens.All.Index())
        {
            beginnings[token] = id;
            if (token.Length > continuationPrefix.Length && token.StartsWith(continuationPrefix, StringComparison.Ordinal))
                continuations[token[continuationPrefix.Length..]] = id;
        }
        _beginnings = new(beginnings);
        _continuations = new(continuations);
        _longestBeginning = beginnings.Keys.Max(key => key.Length);
        _longestContinuation = continuations.Count > 0 ? continuations.Keys.Max(key => key.Length) : 0;
    }

    /// <summary>The longest piece that begins the word.</summary>
    /// <returns>Its number and its length in the word; a length of 0 if there is none.</returns>
    public (int Id, int Length) Beginning(ReadOnlySpan<char> word) => Longest(_beginnings, word, _longestBeginning);

    /// <summary>The longest continuing piece that the rest of a word begins with.</summary>
    /// <returns>Its number and its length in the word; a length of 0 if there is none.</returns>
    public (int Id, int Length) Continuation(ReadOnlySpan<char> rest) => Longest(_continuations, rest, _longestContinuation);

    // A piece is valid UTF-16 and ends no prefix inside a surrogate pair.
    private static (int Id, int Length) Longest(SpanLookup<int> pieces, ReadOnlySpan<char> word, int longest)
    {
        for (var length = Math.Min(word.Length, longest); length > 0; length--)
        {
            if (pieces.TryGetValue(word[..length], out var id))
                return (id, length);
        }
        return (0, 0);
    }
}
