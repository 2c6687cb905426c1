using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>Lists of pieces that a thread uses for one text after the other.</summary>
internal static class PieceLists
{
    /// <summary>The largest list that a thread keeps, in pieces: a text of many millions of characters would hold its memory until the
    /// thread ends.</summary>
    public const int MostKept = 1 << 16;

    /// <summary>The thread's list, empty.</summary>
    public static List<TextPiece> Take(ref List<TextPiece>? kept)
    {
        kept ??= [];
        kept.Clear();
        return kept;
    }

    /// <summary>Forgets a list that has grown large. It can still be used by whoever has it.</summary>
    public static void DropLarge(ref List<TextPiece>? kept)
    {
        if (kept?.Capacity > MostKept)
            kept = null;
    }
}
