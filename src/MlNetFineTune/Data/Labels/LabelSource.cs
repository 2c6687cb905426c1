using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>Reads the label of the current row.</summary>
/// <param name="label">Receives the label: a class index from 0, a number, or several numbers.</param>
/// <returns>Whether there is a label; a row without one is not used.</returns>
internal delegate bool LabelReader(Span<float> label);

/// <summary>The label: its columns, their conversion to numbers, and the strata of a split.</summary>
internal abstract class LabelSource
{
    /// <summary>The label's columns: one, or several for several heads.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    /// <summary>Numbers per label.</summary>
    public virtual int Width => 1;

    /// <summary>Number of strata of a stratified split.</summary>
    public abstract int Strata { get; }

    public abstract int StratumOf(ReadOnlySpan<float> label);

    /// <summary>Splits rows so that each side has its share of every stratum.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="share">Fraction of validation. Above 0, below 1.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <returns>Indices in ascending order.</returns>
    public virtual (int[] Training, int[] Validation) Split(LabeledData rows, float share, long seed) =>
        StratifiedSplit.Split(rows, this, share, seed);

    public abstract LabelReader Reader(IHost host, DataViewRow row);

    /// <summary>The label of data other than the training's, matched by value.</summary>
    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    public abstract OtherLabels OfOtherData(IHost host, DataViewSchema schema);

    /// <summary>Warns or throws if there is nothing to learn, such as a single class.</summary>
    /// <param name="channel">Receives warnings.</param>
    /// <param name="labels">Labels of the training rows, <see cref="Width"/> numbers each.</param>
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
