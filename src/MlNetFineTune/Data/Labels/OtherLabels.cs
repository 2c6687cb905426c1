using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>The label of other data than the training's: columns that were found to fit before a row of either is read.</summary>
internal abstract class OtherLabels
{
    /// <summary>The label of the present row, as the training has it; none where it is missing, or of no use.</summary>
    public abstract LabelReader Reader(DataViewRow row);

    /// <summary>After the last row.</summary>
    /// <exception cref="InvalidOperationException">There were labels of no use.</exception>
    public virtual void Finish(IChannel channel)
    {
    }
}

/// <summary>Labels that are read as the training's are.</summary>
internal sealed class SameLabels(LabelSource labels, IHost host) : OtherLabels
{
    public override LabelReader Reader(DataViewRow row) => labels.Reader(host, row);
}
