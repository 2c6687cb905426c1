using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>The label of data other than the training's; its columns are checked before rows are read.</summary>
internal abstract class OtherLabels
{
    /// <summary>Reads the label of the current row in terms of the training's label; false if it is missing or unknown.</summary>
    public abstract LabelReader Reader(DataViewRow row);

    /// <summary>Called after the last row.</summary>
    /// <exception cref="InvalidOperationException">There were labels that the training data do not have.</exception>
    public virtual void Finish(IChannel channel)
    {
    }
}

/// <summary>Labels that are read like the training's.</summary>
internal sealed class SameLabels(LabelSource labels, IHost host) : OtherLabels
{
    public override LabelReader Reader(DataViewRow row) => labels.Reader(host, row);
}
