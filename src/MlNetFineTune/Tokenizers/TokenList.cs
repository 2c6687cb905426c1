using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// The tokens of a vocabulary by number. Its bytes are those of a <c>vocab.txt</c>: UTF-8, a token a line, the first has number 0.
/// </summary>
internal sealed class TokenList
{
    /// <summary>Limit of a vocabulary file, in bytes. Those of the largest multilingual models have 5 MB as text and 17 MB as
    /// JSON.</summary>
    public const int MaximumBytes = 64 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string[] _tokens;
    private readonly Dictionary<string, int> _ids;

    /// <exception cref="InvalidDataException">A token is empty, contains a line break, occurs twice, or would be read
    /// otherwise from the vocabulary's bytes.</exception>
    public TokenList(string[] tokens, string source)
    {
        Source = source;
        _tokens = tokens;
        _ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        foreach (var (id, token) in tokens.Index())
        {
            if (token.Length == 0 || token.Contains('\n', StringComparison.Ordinal))
            {
                throw Bad(source, $"token {id} is {(token.Length == 0 ? "empty" : "one with a line break in it")}; "
                    + "expected a token on each line, because its line is its number");
            }
            if (token[^1] == '\r' || id == 0 && token[0] == '\ufeff')
            {
                throw Bad(source, $"token {id} {(id == 0 && token[0] == '\ufeff' ? "begins with a byte order mark" : "ends in \\r")}; "
                    + "expected none, because it is no part of a token in a vocabulary file");
            }
            if (!_ids.TryAdd(token, id))
                throw Bad(source, $"{SafeText.Quoted(token)} is token {_ids[token]} and token {id}; expected each token once");
        }
        if (tokens.Length == 0)
            throw Bad(source, "it has no tokens");
    }

    /// <summary>Where it was read from, quoted, for messages.</summary>
    public string Source { get; }

    public int Count => _tokens.Length;

    public string this[int id] => _tokens[id];

    public IReadOnlyList<string> All => _tokens;

    public int? Find(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>Reads a <c>vocab.txt</c>. A byte order mark, <c>\r</c> before a line break and blank lines at the end are no
    /// tokens.</summary>
    /// <exception cref="InvalidDataException">It is not text, or no vocabulary.</exception>
    public static TokenList Parse(ReadOnlySpan<byte> file, string source) => new(Lines(file, source), source);

    public static string[] Lines(ReadOnlySpan<byte> file, string source)
    {
        try
        {
            var text = s_utf8.GetString(file.StartsWith(Encoding.UTF8.Preamble) ? file[Encoding.UTF8.Preamble.Length..] : file);
            var lines = text.Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                if (lines[i].EndsWith('\r'))
                    lines[i] = lines[i][..^1];
            }
            return lines[..(Array.FindLastIndex(lines, line => line.Length > 0) + 1)];
        }
        catch (DecoderFallbackException e)
        {
            throw Bad(source, $"it is not UTF-8 text ({SafeText.Message(e)})");
        }
    }

    public byte[] ToBytes() => ToBytes(_tokens);

    public static byte[] ToBytes(IEnumerable<string> lines) => s_utf8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    public static InvalidDataException Bad(string source, string what) => new(
        $"The vocabulary {source} cannot be used: {what}. Take the file from the checkpoint again.");
}
