using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Adds up, batch by batch, the loss of one evaluation pass.</summary>
/// <param name="objective">Has the loss.</param>
internal class LossSums(Objective objective)
{
    private double _sum;
    private double _count;

    /// <summary>The mean over all rows by their weights and those of their classes.</summary>
    public virtual double Mean => _sum / _count;

    /// <summary>What the rows count together; 0 where none has weight.</summary>
    public virtual double Count => _count;

    /// <param name="outputs">[N, outputs], the network's.</param>
    /// <param name="targets">Of the same rows.</param>
    public virtual void Add(Tensor outputs, Targets targets)
    {
        var (sum, count) = objective.EvaluateLoss(outputs, targets);
        (_sum, _count) = (_sum + sum, _count + count);
    }
}
