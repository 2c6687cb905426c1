namespace MlNetFineTune.Data;

/// <summary>Encoded texts of a cursor: the used bytes of each row, or the reason why it cannot be used.</summary>
/// <param name="keepsTexts">Whether the beginnings of the texts are kept, for the report.</param>
internal sealed class EncodedTexts(bool keepsTexts)
{
    private const int ExcerptLength = 240;

    private readonly List<byte[]> _rows = [];
    private readonly List<string> _reasons = [];
    private readonly List<string> _texts = [];

    public bool KeepsTexts => keepsTexts;

    /// <summary>The used bytes of each row; none if it cannot be used.</summary>
    public IReadOnlyList<byte[]> Rows => _rows;

    /// <param name="reason">The reason why the row cannot be used; null if it can.</param>
    /// <param name="used">The bytes of the row that are set, if it can be used.</param>
    /// <param name="text">The beginning of its text, if texts are kept.</param>
    public void Add(string? reason, ReadOnlySpan<byte> used, string text)
    {
        _rows.Add(reason is null ? used.ToArray() : []);
        _reasons.Add(reason ?? "");
        if (keepsTexts)
            _texts.Add(text);
    }

    /// <summary>The beginning of a text, for the report.</summary>
    public static string Excerpt(ReadOnlySpan<char> text) =>
        text.Length <= ExcerptLength ? text.ToString() : text[..(ExcerptLength - 1)].ToString() + "…";

    /// <param name="length">Bytes of an encoded row.</param>
    /// <param name="stepsOf">Number of tokens of a row, from its used bytes.</param>
    /// <param name="storage">A message for the log; null for none.</param>
    /// <param name="windowsOf">Number of windows of a row, from its used bytes; null if all rows have one.</param>
    /// <param name="contexts">The texts that hold the answers of the rows; null if the task seeks none.</param>
    public TextDataset ToDataset(
        int length, Func<byte[], int> stepsOf, string? storage, Func<byte[], int>? windowsOf = null, string[]? contexts = null) => new(
        length, [.. _rows], OfEach(stepsOf), [.. _reasons], keepsTexts ? [.. _texts] : null, storage,
        windowsOf is null ? null : OfEach(windowsOf), contexts);

    private int[] OfEach(Func<byte[], int> numberOf) => [.. _rows.Select(row => row.Length == 0 ? 1 : numberOf(row))];
}
