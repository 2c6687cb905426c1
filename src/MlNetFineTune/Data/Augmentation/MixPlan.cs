using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// How a batch will be mixed, drawn before its rows are read: so a process that computes a slice of the batch knows the partners of its
/// rows, which may be in another slice.
/// </summary>
/// <param name="mixing">The operation.</param>
/// <param name="partners">For each place in the batch, the place with which it is mixed.</param>
/// <param name="random">The random numbers of the batch that follow.</param>
internal sealed class MixPlan(IMixing mixing, int[] partners, CountedRandom random)
{
    /// <summary>For each place in the batch, the place with which it is mixed.</summary>
    public IReadOnlyList<int> Partners => partners;

    /// <summary>Mixes some pictures of the batch in place.</summary>
    /// <param name="pixels">[N, H, W, 3], contiguous.</param>
    /// <param name="others">[N]: for each picture, the index of its partner in <paramref name="pixels"/>.</param>
    /// <returns>The weight of each picture's own label, the same for all pictures of the batch.</returns>
    public double Mix(Tensor pixels, int[] others)
    {
        var numbers = random; // a copy: the same for every part of the batch
        using var places = tensor(others, ScalarType.Int64, pixels.device);
        return mixing.Mix(pixels, places, ref numbers);
    }
}
