using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Accumulates the metrics of one evaluation pass over batches.</summary>
internal abstract class MetricSums
{
    /// <param name="outputs">[N, outputs] of the network.</param>
    /// <param name="labels">Labels of the same rows, in the format of the objective.</param>
    public abstract void Add(Tensor outputs, Tensor labels);

    /// <summary>The metrics by name.</summary>
    public abstract IReadOnlyDictionary<string, double> Result();
}
