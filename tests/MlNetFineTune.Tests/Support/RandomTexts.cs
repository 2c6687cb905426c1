using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Support;

/// <summary>The random texts of tools/reference/bert_tokenizer_oracle.py, and its hash of their pieces.</summary>
internal sealed class RandomTexts
{
    private readonly string[] _words;
    private readonly (int First, int Last)[][] _alphabets;
    private readonly int[] _sizes;
    private ulong _state;

    public RandomTexts(JsonElement fixture, ulong seed, IReadOnlyList<string> words)
    {
        _state = seed;
        _words = [.. words];
        _alphabets =
        [
            .. fixture.GetProperty("alphabets").EnumerateArray().Select(alphabet => alphabet.GetProperty("ranges").EnumerateArray()
                .Select(bound => bound.GetInt32()).Chunk(2).Select(range => (range[0], range[1])).ToArray()),
        ];
        _sizes = [.. _alphabets.Select(ranges => ranges.Sum(range => range.Last - range.First + 1))];
    }

    /// <summary>The words that the oracle mixes in, from its vocabulary.</summary>
    public static IReadOnlyList<string> WordsOf(IEnumerable<string> tokens) =>
        [.. tokens.Skip(14).Select(token => token.Length > 2 ? token.Replace("##", "", StringComparison.Ordinal) : token)];

    public static string HashOf(IEnumerable<IReadOnlyList<TextPiece>> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var pieces in texts)
        {
            var lines = pieces.Select(piece => FormattableString.Invariant($"{piece.Id} {piece.Start} {piece.End}\n"));
            hash.AppendData(Encoding.UTF8.GetBytes(string.Concat(lines) + "\n"));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    public string Next()
    {
        var alphabets = new int[1 + Below(3)];
        for (var i = 0; i < alphabets.Length; i++)
            alphabets[i] = Below(_alphabets.Length);
        var text = new StringBuilder();
        for (var left = Below(33); left > 0; left--)
        {
            var what = Below(16);
            if (what < 2)
                text.Append(' ');
            else if (what < 6)
                text.Append(_words[Below(_words.Length)]);
            else
                text.Append(Character(alphabets[Below(alphabets.Length)]));
        }
        return text.ToString();
    }

    private string Character(int alphabet)
    {
        var at = Below(_sizes[alphabet]);
        foreach (var (first, last) in _alphabets[alphabet])
        {
            if (at <= last - first)
                return new Rune(first + at).ToString();
            at -= last - first + 1;
        }
        throw new InvalidOperationException();
    }

    // Knuth's MMIX generator; the upper 31 bits are used.
    private int Below(int bound)
    {
        _state = unchecked(_state * 6364136223846793005 + 1442695040888963407);
        return (int)((_state >> 33) * (ulong)bound >> 31);
    }
}
