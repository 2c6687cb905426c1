using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>An operation that mixes each picture of a batch, and its label, with another one.</summary>
internal interface IMixing
{
    /// <summary>Fraction of the batches that are mixed.</summary>
    float Probability { get; }

    /// <summary>Number of epochs at the end without mixing.</summary>
    int PlainEpochs { get; }

    /// <summary>Draws the proportion and mixes in place.</summary>
    /// <param name="pixels">[N, H, W, 3], contiguous.</param>
    /// <param name="partners">[N] indices of the picture with which each one is mixed.</param>
    /// <param name="random">Random numbers of the epoch and batch.</param>
    /// <returns>The weight of each picture's own label.</returns>
    double Mix(Tensor pixels, Tensor partners, ref CountedRandom random);
}
