using System.Text;

namespace MlNetFineTune.Benchmarks;

/// <summary>A table of a benchmark as it is printed, stored and shown in docs/benchmarks.md.</summary>
/// <param name="Columns">Names of the columns; the first column names the rows.</param>
/// <param name="Rows">Cells as text, in the invariant culture.</param>
internal sealed record ResultTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    private const int NameWidth = 44;

    private const int NumberWidth = 10;

    /// <summary>Aligned text, without a line break at the end.</summary>
    public override string ToString() =>
        string.Join('\n', Rows.Prepend(Columns).Select(Line));

    /// <summary>A row as aligned text, like the lines of <see cref="ToString"/>.</summary>
    public string Line(IReadOnlyList<string> row)
    {
        int[] widths = [.. Columns.Select((column, index) =>
            Rows.Select(one => one[index].Length).Append(column.Length).Append(index == 0 ? NameWidth : NumberWidth).Max())];
        return string.Join(' ', row.Select((cell, index) =>
            index == 0 ? cell.PadRight(widths[index]) : cell.PadLeft(widths[index]))).TrimEnd();
    }

    /// <summary>The table with another row.</summary>
    public ResultTable With(IReadOnlyList<string> row) => this with { Rows = [.. Rows, row] };

    /// <summary>A table of Markdown, without a line break at the end.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        Add(Columns);
        text.Append("\n|").Insert(text.Length, "---|", Columns.Count);
        foreach (var row in Rows)
        {
            text.Append('\n');
            Add(row);
        }
        return text.ToString();

        void Add(IReadOnlyList<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |");
    }
}
