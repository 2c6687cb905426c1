using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Accumulates the loss of one evaluation pass over batches.</summary>
/// <param name="objective">The objective with the loss.</param>
internal class LossSums(Objective objective)
{
    private double _sum;
    private double _count;

    /// <summary>The weighted mean over all rows, by example weights and class weights.</summary>
    public virtual double Mean => _sum / _count;

    /// <summary>The sum of the weights.</summary>
    public virtual double Count => _count;

    /// <param name="outputs">[N, outputs] of the network.</param>
    /// <param name="targets">Targets of the same rows.</param>
    public virtual void Add(Tensor outputs, Targets targets)
    {
        var (sum, count) = objective.EvaluateLoss(outputs, targets);
        (_sum, _count) = (_sum + sum, _count + count);
    }
}
