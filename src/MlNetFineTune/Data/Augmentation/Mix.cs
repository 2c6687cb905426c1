using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>How the pictures of a batch, and thus their labels, were mixed.</summary>
/// <param name="Partners">For each picture, the index of the row with which it was mixed; its own if it was not.</param>
/// <param name="Share">Weight of the picture's own label, 0 to 1; the partner's label has the rest.</param>
internal sealed record Mix(int[] Partners, double Share)
{
    /// <summary>share * labels + (1 - share) * labels of the partners; also for weights.</summary>
    /// <param name="labels">[N, ...], numbers.</param>
    /// <param name="others">[N, ...]: those of the partners.</param>
    /// <returns>[N, ...]. The caller disposes it.</returns>
    public Tensor Of(Tensor labels, Tensor others)
    {
        using var own = labels.Mul(Share);
        return own.Add(others, 1 - Share);
    }
}
