namespace MlNetFineTune.Tasks;

/// <summary>What a section of the report is made of. Texts are plain: they may hold names of any kind, and the page escapes them.</summary>
internal abstract record ReportBlock
{
    private ReportBlock()
    {
    }

    public abstract T Draw<T>(IReportDrawing<T> drawing);

    /// <summary>A sentence or two.</summary>
    /// <param name="Text">Plain text.</param>
    /// <param name="IsNote">Whether it is set smaller, as below a chart.</param>
    public sealed record Paragraph(string Text, bool IsNote = false) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Charts side by side.</summary>
    /// <param name="All">At least one.</param>
    public sealed record Charts(params IReadOnlyList<Chart> All) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>A table.</summary>
    /// <param name="Headings">Of the columns.</param>
    /// <param name="Rows">A cell for each column.</param>
    public sealed record Table(IReadOnlyList<string> Headings, IReadOnlyList<IReadOnlyList<ReportCell>> Rows) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Which classes are taken for which.</summary>
    /// <param name="Classes">Their names, in order.</param>
    /// <param name="Rows">The true and the predicted class of each row, from 0.</param>
    public sealed record Confusion(IReadOnlyList<string> Classes, IReadOnlyList<(int Label, int Predicted)> Rows) : ReportBlock
    {
        public override T Draw<T>(IReportDrawing<T> drawing) => drawing.Draw(this);
    }

    /// <summary>Single rows of the data: cards with their pictures where there are any, else a table.</summary>
    /// <param name="Headings">Of the table's columns, after that which names the row.</param>
    /// <param name="All">In order. At least one.</param>
    public sealed record Examples(IReadOnlyList<string> Headings, IReadOnlyList<ReportExample> All) : ReportBlock
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
}

/// <summary>A cell of a table.</summary>
/// <param name="Tags">Names, each with a value.</param>
/// <param name="IsNumber">Whether it is one number, set to the right.</param>
internal readonly record struct ReportCell(IReadOnlyList<ReportTag> Tags, bool IsNumber = false)
{
    public static ReportCell Name(string name) => new([new(name)]);

    /// <param name="number">Formatted by the invariant culture.</param>
    public static ReportCell Number(FormattableString number) => new([new("", FormattableString.Invariant(number))], IsNumber: true);
}

/// <summary>A name of the data's, such as that of a class, and what is said of it.</summary>
/// <param name="Name">Empty for none.</param>
/// <param name="Value">Empty for none.</param>
internal readonly record struct ReportTag(string Name, string Value = "");

/// <summary>A row of the data, and what is said of it.</summary>
/// <param name="Row">Index of the row in its source.</param>
/// <param name="Cells">For a table.</param>
/// <param name="Lines">For a card.</param>
internal sealed record ReportExample(int Row, IReadOnlyList<ReportCell> Cells, IReadOnlyList<ReportLine> Lines);

/// <summary>A line of a card.</summary>
/// <param name="Kind">Whose statement it is.</param>
/// <param name="Before">Words before the name; empty for none.</param>
/// <param name="Tag">The name, and its value.</param>
internal readonly record struct ReportLine(ReportLine.Source Kind, string Before, ReportTag Tag)
{
    public enum Source
    {
        /// <summary>What the model says.</summary>
        Model,

        /// <summary>What the data say.</summary>
        Data,
    }
}
