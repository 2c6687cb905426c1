using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>How the pictures of a batch were mixed, and so how their labels are.</summary>
/// <param name="Partners">For each picture the one it was mixed with, by its place in the batch.</param>
/// <param name="Share">Of its own label; the partner's has the rest. 0 to 1.</param>
internal sealed record Mix(int[] Partners, double Share)
{
    /// <summary>share * labels + (1 - share) * labels of the partners; of weights as well.</summary>
    /// <param name="labels">[N, ...], numbers.</param>
    /// <returns>Caller disposes.</returns>
    public Tensor Of(Tensor labels)
    {
        using var partners = tensor(Partners, ScalarType.Int64, labels.device);
        using var others = labels.index_select(0, partners);
        using var own = labels.Mul(Share);
        return own.Add(others, 1 - Share);
    }
}
