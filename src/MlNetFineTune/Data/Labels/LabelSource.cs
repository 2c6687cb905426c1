using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>Reads the label of the present row.</summary>
/// <param name="label">Filled with the numbers of the label: a class from 0, a number, or several.</param>
/// <returns>Whether there is a label; a row without one takes no part.</returns>
internal delegate bool LabelReader(Span<float> label);

/// <summary>The label: its columns, how they are read to numbers, and what a split keeps even.</summary>
internal abstract class LabelSource
{
    /// <summary>The label's columns. One, but for several heads.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    /// <summary>Numbers of a row's label.</summary>
    public virtual int Width => 1;

    /// <summary>Kinds of rows of which a split takes the same share each.</summary>
    public abstract int Strata { get; }

    public abstract int StratumOf(ReadOnlySpan<float> label);

    /// <summary>Parts rows so that each side has its share of every kind.</summary>
    /// <param name="rows">All of them.</param>
    /// <param name="share">Of validation: above 0, below 1.</param>
    /// <param name="seed">Chooses.</param>
    /// <returns>Indices in rising order.</returns>
    public virtual (int[] Training, int[] Validation) Split(LabeledData rows, float share, long seed) =>
        StratifiedSplit.Split(rows, this, share, seed);

    public abstract LabelReader Reader(IHost host, DataViewRow row);

    /// <summary>The same of other data than the training's, matched by value.</summary>
    /// <exception cref="Exception">A column is missing or of another type; in ML.NET's words.</exception>
    public abstract OtherLabels OfOtherData(IHost host, DataViewSchema schema);

    /// <summary>Warns, or fails, where there is nothing to learn.</summary>
    /// <param name="channel">Warned.</param>
    /// <param name="labels">The training rows', <see cref="Width"/> numbers each.</param>
    public abstract void Check(IChannel channel, float[] labels);
}

/// <summary>A label of one column and one number.</summary>
internal abstract class ColumnLabels(string column) : LabelSource
{
    public string Column { get; } = column;

    public sealed override IReadOnlyList<string> Columns => [Column];

    public sealed override OtherLabels OfOtherData(IHost host, DataViewSchema schema) => OfOtherData(
        host, schema.GetColumnOrNull(Column) ?? throw host.ExceptSchemaMismatch("validation", "validation label", Column));

    protected abstract OtherLabels OfOtherData(IHost host, DataViewSchema.Column column);
}
