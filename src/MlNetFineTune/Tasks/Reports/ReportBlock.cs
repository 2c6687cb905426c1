namespace MlNetFineTune.Tasks;

/// <summary>A part of a section of the report. Texts are plain text with arbitrary names; the page escapes them.</summary>
internal abstract record ReportBlock
{
    private ReportBlock()
    {
    }

    public abstract T Draw<T>(IReportDrawing<T> drawing);

    /// <summary>A short paragraph.</summary>
    /// <param name="Text">Plain text.</param>
    /// <param name="IsNote">Whether it is set in small type, as below a chart.</param>
    public sealed record Paragraph(string Text, bool IsNote = false) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Charts side by side.</summary>
    /// <param name="All">The charts, at least one.</param>
    public sealed record Charts(params IReadOnlyList<Chart> All) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>A table.</summary>
    /// <param name="Headings">Headings of the columns.</param>
    /// <param name="Rows">Rows with one cell for each column.</param>
    public sealed record Table(IReadOnlyList<string> Headings, IReadOnlyList<IReadOnlyList<ReportCell>> Rows) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>A confusion matrix.</summary>
    /// <param name="Classes">Names of the classes, in order.</param>
    /// <param name="Rows">The true and the predicted class of each row, from 0.</param>
    public sealed record Confusion(IReadOnlyList<string> Classes, IReadOnlyList<(int Label, int Predicted)> Rows) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Single rows of the data: cards if there are pictures, otherwise a table.</summary>
    /// <param name="Headings">Headings of the table's columns after the first, which names the row.</param>
    /// <param name="All">The rows, in order. At least one.</param>
    public sealed record Examples(IReadOnlyList<string> Headings, IReadOnlyList<ReportExample> All) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Pairs of rows of the data side by side: cards if there are pictures, otherwise a table.</summary>
    /// <param name="Headings">Headings of the table's columns after the first two, which name the rows.</param>
    /// <param name="All">The pairs, in order. Lines and cells are those of the first row. At least one.</param>
    public sealed record Pairs(IReadOnlyList<string> Headings, IReadOnlyList<(ReportExample Example, int Other)> All) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }
}

/// <summary>Draws the blocks of a report.</summary>
internal interface IReportDrawing<out T>
{
    T Draw(ReportBlock.Paragraph block);

    T Draw(ReportBlock.Charts block);

    T Draw(ReportBlock.Table block);

    T Draw(ReportBlock.Confusion block);

    T Draw(ReportBlock.Examples block);

    T Draw(ReportBlock.Pairs block);
}

/// <summary>A cell of a table.</summary>
/// <param name="Tags">Names with values.</param>
/// <param name="IsNumber">Whether it is a single number, aligned to the right.</param>
internal readonly record struct ReportCell(IReadOnlyList<ReportTag> Tags, bool IsNumber = false)
{
    public static ReportCell Name(string name) => new([new(name)]);

    /// <param name="number">The number, formatted in the invariant culture.</param>
    public static ReportCell Number(FormattableString number) => new([new("", FormattableString.Invariant(number))], IsNumber: true);
}

/// <summary>A name from the data, such as a class name, with a value.</summary>
/// <param name="Name">The name; empty for none.</param>
/// <param name="Value">The value; empty for none.</param>
internal readonly record struct ReportTag(string Name, string Value = "");

/// <summary>A row of the data with its cells.</summary>
/// <param name="Row">Index of the row in its source.</param>
/// <param name="Cells">Cells for a table.</param>
/// <param name="Lines">Lines for a card.</param>
internal sealed record ReportExample(int Row, IReadOnlyList<ReportCell> Cells, IReadOnlyList<ReportLine> Lines);

/// <summary>A line of a card.</summary>
/// <param name="Kind">Whether it is from the model or the data.</param>
/// <param name="Before">Text before the name; empty for none.</param>
/// <param name="Tag">The name with its value.</param>
internal readonly record struct ReportLine(ReportLine.Source Kind, string Before, ReportTag Tag)
{
    public enum Source
    {
        /// <summary>A prediction of the model.</summary>
        Model,

        /// <summary>A label of the data.</summary>
        Data,
    }
}
