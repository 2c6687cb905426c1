using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// Blends each picture of a batch with another one, and the labels in the same proportion (Zhang et al. 2018, https://arxiv.org/abs/1710.09412):
/// lambda x + (1 - lambda) x', with lambda ~ Beta(alpha, alpha) drawn once a batch and the others in a random order, on normalised pixels.
/// With <see cref="CutMix"/> in the same sequence each batch takes one of the two with equal chance.
/// </summary>
/// <remarks>The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.</remarks>
public sealed record MixUp : Augmentation, IMixing
{
    /// <param name="alpha">Above 0. Below 1 most pictures are nearly whole, at 1 every proportion is as likely, above 1 halves are.</param>
    /// <param name="probability">0 to 1.</param>
    public MixUp(float alpha = 0.2f, float probability = 1)
    {
        BatchAugmentation.CheckMixing(alpha, probability);
        (Alpha, Probability) = (alpha, probability);
    }

    /// <summary>Of the beta distribution.</summary>
    public float Alpha { get; }

    /// <summary>Share of the batches that are mixed.</summary>
    public float Probability { get; }

    /// <summary>The last so many epochs see whole pictures, so that training ends on what scoring sees (timm's <c>mixup_off_epoch</c>, counted from the end). Less than all. Default 0.</summary>
    public int PlainEpochs { get; init => field = BatchAugmentation.CheckPlainEpochs(value); }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
    }

    double IMixing.Mix(Tensor pixels, Tensor partners, ref CountedRandom random)
    {
        var share = random.NextBeta(Alpha, Alpha);
        Blend(pixels, partners, share);
        return share;
    }

    /// <summary>In place. The partners are those before the change.</summary>
    internal static void Blend(Tensor pixels, Tensor partners, double share)
    {
        using var others = pixels.index_select(0, partners);
        pixels.Mul_(share).Add_(others, 1 - share);
    }
}
