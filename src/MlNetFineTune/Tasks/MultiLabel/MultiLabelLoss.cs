using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Independent labels: binary cross-entropy with a sigmoid for each label, averaged over the labels of a row, so that a suitable learning
/// rate does not depend on their number. PyTorch's <c>BCEWithLogitsLoss</c> with <c>pos_weight</c>.
/// </summary>
internal static class MultiLabelLoss
{
    /// <param name="logits">[N, labels].</param>
    /// <param name="labels">[N, labels]: 1 for a label that the row has, otherwise 0.</param>
    /// <param name="positiveWeights">[labels]: weights of the positive terms; null if all are 1.</param>
    /// <returns>[N]. The caller disposes it.</returns>
    public static Tensor OfEach(Tensor logits, Tensor labels, Tensor? positiveWeights = null)
    {
        using var scope = NewDisposeScope();
        var targets = labels.to_type(logits.dtype);
        var each = nn.functional.binary_cross_entropy_with_logits(
            logits, targets, reduction: nn.Reduction.None, pos_weights: positiveWeights?.to_type(logits.dtype));
        return each.mean([1]).MoveToOuterDisposeScope(); // [N, labels] -> [N]
    }
}
