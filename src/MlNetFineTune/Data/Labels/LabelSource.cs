using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>The label column: how it is read, and what a split keeps even.</summary>
internal abstract class LabelSource(string column)
{
    public string Column { get; } = column;

    /// <summary>Kinds of rows of which a split takes the same share each.</summary>
    public abstract int Strata { get; }

    public abstract int StratumOf(float label);

    /// <summary>The label of the present row: a class from 0, or a number; NaN where it is missing.</summary>
    public abstract Func<float> Reader(IHost host, DataViewRow row);

    /// <summary>The same of other data than the training's, matched by value.</summary>
    /// <exception cref="Exception">The column is of another type; in ML.NET's words.</exception>
    public abstract OtherLabels OfOtherData(IHost host, DataViewSchema.Column column);

    /// <summary>Warns, or fails, where there is nothing to learn.</summary>
    public abstract void Check(IChannel channel, float[] labels);
}
