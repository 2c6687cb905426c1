using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Augmentations;

/// <summary>How the pictures of a batch were mixed, and so how their labels are.</summary>
/// <param name="Partners">For each picture the one it was mixed with, by its place in the batch.</param>
/// <param name="Share">Of its own label; the partner's has the rest. 0 to 1.</param>
internal sealed record Mix(int[] Partners, double Share)
{
    /// <summary>
    /// share * loss(labels) + (1 - share) * loss(labels of the partners). Cross-entropy is linear in its target, so this equals cross-entropy
    /// with the mixed (soft) label, with label smoothing as well.
    /// </summary>
    /// <param name="labels">[N, ...].</param>
    /// <param name="loss">Of labels of the same shape.</param>
    public Tensor Loss(Tensor labels, Func<Tensor, Tensor> loss)
    {
        using var partners = tensor(Partners, ScalarType.Int64, labels.device);
        using var others = labels.index_select(0, partners);
        using var own = loss(labels);
        using var other = loss(others);
        using var share = own.mul(Share);
        return share.add(other, alpha: 1 - Share);
    }
}
