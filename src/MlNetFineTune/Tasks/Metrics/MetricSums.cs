using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Accumulates the metrics of one evaluation pass over batches.</summary>
internal abstract class MetricSums
{
    /// <param name="outputs">[N, outputs] of the network.</param>
    /// <param name="targets">Targets of the same rows, with labels in the format of the objective.</param>
    public abstract void Add(Tensor outputs, Targets targets);

    /// <summary>The metrics by name.</summary>
    public abstract IReadOnlyDictionary<string, double> Result();
}
