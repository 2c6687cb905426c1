using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Labels that are there or not, each for itself: the binary cross-entropy of a sigmoid for each, in the mean over the labels of a row, so
/// that a learning rate serves many labels as well as few. PyTorch's <c>BCEWithLogitsLoss</c> with <c>pos_weight</c>.
/// </summary>
internal static class MultiLabelLoss
{
    /// <param name="logits">[N, labels].</param>
    /// <param name="labels">[N, labels]: 1 where a label is there, 0 where it is not.</param>
    /// <param name="positiveWeights">[labels]: how many times the loss of a label that is there counts; null where it counts once.</param>
    /// <returns>[N]. Caller disposes.</returns>
    public static Tensor OfEach(Tensor logits, Tensor labels, Tensor? positiveWeights = null)
    {
        using var scope = NewDisposeScope();
        var targets = labels.to_type(logits.dtype);
        var each = nn.functional.binary_cross_entropy_with_logits(
            logits, targets, reduction: nn.Reduction.None, pos_weights: positiveWeights?.to_type(logits.dtype));
        return each.mean([1]).MoveToOuterDisposeScope(); // [N, labels] -> [N]
    }
}
