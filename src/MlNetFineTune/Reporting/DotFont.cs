namespace MlNetFineTune.Reporting;

/// <summary>Letters of 5 by 7 dots for pictures: a server need not have any font, and the same picture comes out everywhere. Capitals are drawn small.</summary>
internal static class DotFont
{
    public const int Width = 5;
    public const int Height = 7;

    // Seven rows from top to bottom; the highest of the five bits is on the left.
    private static readonly Dictionary<char, byte[]> s_glyphs = new()
    {
        ['0'] = [14, 17, 19, 21, 25, 17, 14],
        ['1'] = [4, 12, 4, 4, 4, 4, 14],
        ['2'] = [14, 17, 1, 6, 8, 16, 31],
        ['3'] = [14, 17, 1, 6, 1, 17, 14],
        ['4'] = [2, 6, 10, 18, 31, 2, 2],
        ['5'] = [31, 16, 30, 1, 1, 17, 14],
        ['6'] = [6, 8, 16, 30, 17, 17, 14],
        ['7'] = [31, 1, 2, 4, 8, 8, 8],
        ['8'] = [14, 17, 17, 14, 17, 17, 14],
        ['9'] = [14, 17, 17, 15, 1, 2, 12],
        ['a'] = [0, 0, 14, 1, 15, 17, 15],
        ['b'] = [16, 16, 30, 17, 17, 17, 30],
        ['c'] = [0, 0, 15, 16, 16, 16, 15],
        ['d'] = [1, 1, 15, 17, 17, 17, 15],
        ['e'] = [0, 0, 14, 17, 31, 16, 14],
        ['f'] = [6, 8, 30, 8, 8, 8, 8],
        ['g'] = [0, 15, 17, 17, 15, 1, 14],
        ['h'] = [16, 16, 30, 17, 17, 17, 17],
        ['i'] = [4, 0, 12, 4, 4, 4, 14],
        ['j'] = [2, 0, 6, 2, 2, 18, 12],
        ['k'] = [16, 16, 18, 20, 24, 20, 18],
        ['l'] = [12, 4, 4, 4, 4, 4, 14],
        ['m'] = [0, 0, 26, 21, 21, 21, 21],
        ['n'] = [0, 0, 30, 17, 17, 17, 17],
        ['o'] = [0, 0, 14, 17, 17, 17, 14],
        ['p'] = [0, 0, 30, 17, 30, 16, 16],
        ['q'] = [0, 0, 15, 17, 15, 1, 1],
        ['r'] = [0, 0, 22, 24, 16, 16, 16],
        ['s'] = [0, 0, 15, 16, 14, 1, 30],
        ['t'] = [8, 8, 30, 8, 8, 9, 6],
        ['u'] = [0, 0, 17, 17, 17, 17, 15],
        ['v'] = [0, 0, 17, 17, 17, 10, 4],
        ['w'] = [0, 0, 17, 21, 21, 21, 10],
        ['x'] = [0, 0, 17, 10, 4, 10, 17],
        ['y'] = [0, 17, 17, 17, 15, 1, 14],
        ['z'] = [0, 0, 31, 2, 4, 8, 31],
        ['.'] = [0, 0, 0, 0, 0, 12, 12],
        [','] = [0, 0, 0, 0, 12, 4, 8],
        [':'] = [0, 12, 12, 0, 12, 12, 0],
        ['-'] = [0, 0, 0, 31, 0, 0, 0],
        ['+'] = [0, 4, 4, 31, 4, 4, 0],
        ['/'] = [1, 1, 2, 4, 8, 16, 16],
        ['('] = [2, 4, 8, 8, 8, 4, 2],
        [')'] = [8, 4, 2, 2, 2, 4, 8],
        ['%'] = [24, 25, 2, 4, 8, 19, 3],
    };

    /// <summary>The dots that are set, from the upper left; a letter that is not known is a blank.</summary>
    public static IEnumerable<(int X, int Y)> Dots(string text) =>
        from place in Enumerable.Range(0, text.Length)
        let rows = s_glyphs.GetValueOrDefault(char.ToLowerInvariant(text[place]), [])
        from y in Enumerable.Range(0, rows.Length)
        from x in Enumerable.Range(0, Width)
        where (rows[y] >> (Width - 1 - x) & 1) != 0
        select (place * (Width + 1) + x, y);

    /// <summary>In dots.</summary>
    public static int WidthOf(string text) => Math.Max(text.Length * (Width + 1) - 1, 0);
}
