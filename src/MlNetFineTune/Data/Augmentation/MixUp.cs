using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.MixUp"/>
internal sealed record MixUp : Augmentation, IMixing
{
    public MixUp(float alpha = 0.2f, float probability = 1)
    {
        BatchAugmentation.CheckMixing(alpha, probability);
        (Alpha, Probability) = (alpha, probability);
    }

    public float Alpha { get; }

    public float Probability { get; }

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

    /// <summary>Blends in place. The partners' pixels are those before the change.</summary>
    internal static void Blend(Tensor pixels, Tensor partners, double share)
    {
        using var others = pixels.index_select(0, partners);
        pixels.Mul_(share).Add_(others, 1 - share);
    }
}
