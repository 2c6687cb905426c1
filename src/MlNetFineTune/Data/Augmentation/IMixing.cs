using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>An operation that mixes each picture of a batch with another one, and with it the label.</summary>
internal interface IMixing
{
    /// <summary>Share of the batches that are mixed.</summary>
    float Probability { get; }

    /// <summary>This many epochs at the end are not mixed.</summary>
    int PlainEpochs { get; }

    /// <summary>Draws how much, and mixes in place.</summary>
    /// <param name="pixels">[N, H, W, 3], contiguous.</param>
    /// <param name="partners">[N] indices: the picture that each one is mixed with.</param>
    /// <param name="random">Counted by epoch and batch.</param>
    /// <returns>The share of its own label that each picture keeps.</returns>
    double Mix(Tensor pixels, Tensor partners, ref CountedRandom random);
}
