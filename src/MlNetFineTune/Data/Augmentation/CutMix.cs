using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// Pastes a rectangle of another picture of the batch into each one, at the same place, and mixes the labels by area (Yun et al. 2019,
/// https://arxiv.org/abs/1905.04899). The rectangle's sides are sqrt(1 - lambda) of the picture's, lambda ~ Beta(alpha, alpha) drawn once a
/// batch, its centre anywhere; what lies outside is cut off, and the labels go by the area that was pasted. With <see cref="MixUp"/> in the
/// same sequence each batch takes one of the two with equal chance.
/// </summary>
/// <remarks>The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.</remarks>
public sealed record CutMix : Augmentation, IMixing
{
    /// <param name="alpha">Above 0. 1 (the paper's) makes every area as likely; below, most are nearly nothing or nearly all.</param>
    /// <param name="probability">0 to 1.</param>
    public CutMix(float alpha = 1, float probability = 1)
    {
        BatchAugmentation.CheckMixing(alpha, probability);
        (Alpha, Probability) = (alpha, probability);
    }

    /// <summary>Of the beta distribution.</summary>
    public float Alpha { get; }

    /// <summary>Share of the batches that are mixed.</summary>
    public float Probability { get; }

    /// <inheritdoc cref="MixUp.PlainEpochs"/>
    public int PlainEpochs { get; init => field = BatchAugmentation.CheckPlainEpochs(value); }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
    }

    double IMixing.Mix(Tensor pixels, Tensor partners, ref CountedRandom random)
    {
        var (height, width) = ((int)pixels.shape[1], (int)pixels.shape[2]);
        var box = BoxOf(random.NextBeta(Alpha, Alpha), height, width, ref random);
        Paste(pixels, partners, box);
        return 1 - box.Area / (double)(height * width);
    }

    /// <summary>As the authors' <c>rand_bbox</c>.</summary>
    internal static PixelBox BoxOf(double share, int height, int width, ref CountedRandom random)
    {
        var side = Math.Sqrt(1 - share);
        var (halfHeight, halfWidth) = ((int)(height * side) / 2, (int)(width * side) / 2);
        var (x, y) = (random.NextInt(width), random.NextInt(height));
        var (top, left) = (Math.Max(y - halfHeight, 0), Math.Max(x - halfWidth, 0));
        return new PixelBox(top, left, Math.Min(y + halfHeight, height) - top, Math.Min(x + halfWidth, width) - left);
    }

    /// <summary>In place. The partners are those before the change.</summary>
    internal static void Paste(Tensor pixels, Tensor partners, PixelBox box)
    {
        if (box.Area == 0)
            return;
        using var scope = NewDisposeScope();
        var region = box.Of(pixels);
        region.copy_(region.index_select(0, partners));
    }
}
