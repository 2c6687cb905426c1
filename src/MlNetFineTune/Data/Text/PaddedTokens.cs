namespace MlNetFineTune.Data;

/// <summary>A batch of encoded texts, padded to the longest: [count, longest], row after row.</summary>
/// <param name="Longest">Number of tokens of the longest row, at least 1.</param>
/// <param name="Lengths">Number of tokens of each row, at least 1.</param>
/// <param name="Ids">The tokens' ids.</param>
/// <param name="Segments">1 for tokens of the second text, otherwise 0; empty if they are not needed.</param>
internal sealed record PaddedTokens(int Longest, int[] Lengths, long[] Ids, long[] Segments)
{
    public bool HasPadding => Array.Exists(Lengths, length => length < Longest);

    /// <param name="samples">Encoded rows of <see cref="TokenRows"/>.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="stride">Bytes of an encoded row.</param>
    /// <param name="padding">Id of the padding token.</param>
    /// <param name="hasSegments">Whether segments are needed.</param>
    public static PaddedTokens Of(ReadOnlySpan<byte> samples, int count, int stride, int padding, bool hasSegments)
    {
        var lengths = new int[count];
        // A sample of zeros, from which shapes are determined, counts as one token of padding.
        for (var row = 0; row < count; row++)
            lengths[row] = Math.Max(TokenRows.CountOf(samples[(row * stride)..]), 1);
        var longest = lengths.Max();

        var ids = new long[count * longest];
        var segments = hasSegments ? new long[count * longest] : [];
        Array.Fill(ids, padding);
        for (var row = 0; row < count; row++)
        {
            var sample = samples.Slice(row * stride, stride);
            var tokens = TokenRows.TokensOf(sample);
            var first = row * longest;
            for (var i = 0; i < tokens.Length; i++)
                ids[first + i] = tokens[i];
            if (hasSegments)
                segments.AsSpan(first + TokenRows.SecondStartOf(sample), tokens.Length - TokenRows.SecondStartOf(sample)).Fill(1);
        }
        return new PaddedTokens(longest, lengths, ids, segments);
    }

    /// <summary>The mask: a value for each token, the default for padding.</summary>
    public T[] Mask<T>(T token)
    {
        var mask = new T[Ids.Length];
        for (var row = 0; row < Lengths.Length; row++)
            mask.AsSpan(row * Longest, Lengths[row]).Fill(token);
        return mask;
    }
}
