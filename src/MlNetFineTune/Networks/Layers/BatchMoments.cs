using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The moments of a batch over the rows of several processes, and the maps of this process, centred.</summary>
/// <param name="Mean">[C], Float64: mean of each channel.</param>
/// <param name="Variance">[C], Float64: biased variance of each channel.</param>
/// <param name="Count">Number of values of a channel.</param>
/// <param name="Centered">[N, C, H, W]: the maps of this process minus their own mean.</param>
/// <param name="Offset">[C], Float64: the own mean minus <paramref name="Mean"/>.</param>
/// <param name="Counts">For each row, whether it counts; null if all do.</param>
internal sealed record BatchMoments(
    Tensor Mean, Tensor Variance, double Count, Tensor Centered, Tensor Offset, bool[]? Counts);
