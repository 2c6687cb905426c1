namespace MlNetFineTune.Data;

/// <summary>
/// Overlapping windows over the tokens of a long row, so that every word is read with some context. Two successive windows have at least a
/// quarter in common, as by default in spaCy's strided spans (window 128, stride 96).
/// </summary>
internal static class TokenWindows
{
    private const int OverlapParts = 4;

    /// <summary>Windows that begin with a word if possible.</summary>
    /// <param name="tokens">Number of tokens, without special tokens.</param>
    /// <param name="room">Maximum number of tokens in a window. At least 1.</param>
    /// <param name="firstTokens">Index of the first token of each word, in ascending order.</param>
    /// <returns>Bounds of the windows, the end exclusive; at least one.</returns>
    public static IReadOnlyList<(int Start, int End)> Of(int tokens, int room, ReadOnlySpan<int> firstTokens)
    {
        if (tokens <= room)
            return [(0, tokens)];
        var windows = new List<(int Start, int End)>();
        var step = Math.Max(room - room / OverlapParts, 1);
        for (var start = 0; ;)
        {
            var end = Math.Min(start + room, tokens);
            windows.Add((start, end));
            if (end == tokens)
                return windows;
            var lastOfFullLength = WordAt(firstTokens, Math.Min(start + step, tokens - room));
            var next = lastOfFullLength > start ? lastOfFullLength : WordAt(firstTokens, start + step);
            start = next > start ? next : start + step; // in the middle of a word that is longer than a window
        }
    }

    /// <summary>Windows of the same length, of which two successive ones have at least some tokens in common.</summary>
    /// <param name="tokens">Number of tokens, without special tokens.</param>
    /// <param name="room">Maximum number of tokens in a window. At least 1.</param>
    /// <param name="common">
    /// Tokens that two successive windows have in common, so that each span of one token more is whole in one of them; at most half a
    /// window, so that rows do not have too many windows.
    /// </param>
    /// <returns>Bounds of the windows, the end exclusive; at least one.</returns>
    public static IReadOnlyList<(int Start, int End)> Of(int tokens, int room, int common)
    {
        if (tokens <= room)
            return [(0, tokens)];
        var step = Math.Max(room - Math.Min(Math.Max(room / OverlapParts, common), room / 2), 1);
        var windows = new (int Start, int End)[1 + (tokens - room + step - 1) / step];
        for (var i = 0; i < windows.Length; i++)
        {
            var start = Math.Min(i * step, tokens - room); // the last one is as long as the others
            windows[i] = (start, start + room);
        }
        return windows;
    }

    /// <summary>Number of tokens in all windows, with two special tokens each.</summary>
    public static int TotalOf(IReadOnlyList<(int Start, int End)> windows)
    {
        var total = 0;
        foreach (var (start, end) in windows)
            total += end - start + 2;
        return total;
    }

    // The first token of the word that has the token.
    private static int WordAt(ReadOnlySpan<int> firstTokens, int token)
    {
        var place = firstTokens.BinarySearch(token);
        return place >= 0 ? token : ~place > 0 ? firstTokens[~place - 1] : 0;
    }
}
