using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Adds up, batch by batch, what the metrics of one evaluation pass need.</summary>
internal abstract class MetricSums
{
    /// <param name="outputs">[N, outputs], the network's.</param>
    /// <param name="labels">The same rows', as the objective has them.</param>
    public abstract void Add(Tensor outputs, Tensor labels);

    /// <summary>The metrics by name.</summary>
    public abstract IReadOnlyDictionary<string, double> Result();
}
