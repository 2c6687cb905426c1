using System.Buffers;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// Tokens that are taken out of a text before its words are looked for, as "added tokens" in Hugging Face's tokenizers: the leftmost first,
/// and of several that begin there the longest.
/// </summary>
internal sealed class AddedTokens
{
    private const int Root = 0, NoToken = -1;

    private readonly Dictionary<(int Node, char Next), int> _children = [];
    private readonly List<int> _ids = [NoToken]; // of the token that ends at a node
    private readonly SearchValues<char> _beginnings;

    /// <param name="tokens">The tokens with their numbers. None is empty.</param>
    public AddedTokens(IEnumerable<(string Text, int Id)> tokens)
    {
        foreach (var (text, id) in tokens)
        {
            var node = Root;
            foreach (var next in text)
                node = _children.TryGetValue((node, next), out var child) ? child : AddNode(node, next);
            _ids[node] = id;
        }
        _beginnings = SearchValues.Create([.. _children.Keys.Where(edge => edge.Node == Root).Select(edge => edge.Next)]);
    }

    /// <summary>The first token at or after a place; null if there is none.</summary>
    public TextPiece? FindFrom(int start, ReadOnlySpan<char> text)
    {
        for (var at = start; text[at..].IndexOfAny(_beginnings) is >= 0 and var skipped; at++)
        {
            at += skipped;
            if (LongestAt(at, text) is { } token)
                return token;
        }
        return null;
    }

    private TextPiece? LongestAt(int start, ReadOnlySpan<char> text)
    {
        TextPiece? longest = null;
        var node = Root;
        for (var end = start; end < text.Length && _children.TryGetValue((node, text[end]), out node);)
        {
            end++;
            if (_ids[node] != NoToken)
                longest = new TextPiece(_ids[node], start, end);
        }
        return longest;
    }

    private int AddNode(int parent, char next)
    {
        _ids.Add(NoToken);
        return _children[(parent, next)] = _ids.Count - 1;
    }
}
