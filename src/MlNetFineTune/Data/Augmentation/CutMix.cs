using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.CutMix"/>
internal sealed record CutMix : Augmentation, IMixing
{
    public CutMix(float alpha = 1, float probability = 1)
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
        var (height, width) = ((int)pixels.shape[1], (int)pixels.shape[2]);
        var box = BoxOf(random.NextBeta(Alpha, Alpha), height, width, ref random);
        Paste(pixels, partners, box);
        return 1 - box.Area / (double)(height * width);
    }

    /// <summary>As <c>rand_bbox</c> of the authors' implementation.</summary>
    internal static PixelBox BoxOf(double share, int height, int width, ref CountedRandom random)
    {
        var side = Math.Sqrt(1 - share);
        var (halfHeight, halfWidth) = ((int)(height * side) / 2, (int)(width * side) / 2);
        var (x, y) = (random.NextInt(width), random.NextInt(height));
        var (top, left) = (Math.Max(y - halfHeight, 0), Math.Max(x - halfWidth, 0));
        return new PixelBox(top, left, Math.Min(y + halfHeight, height) - top, Math.Min(x + halfWidth, width) - left);
    }

    /// <summary>Pastes in place. The partners' pixels are those before the change.</summary>
    internal static void Paste(Tensor pixels, Tensor partners, PixelBox box)
    {
        if (box.Area == 0)
            return;
        using var scope = NewDisposeScope();
        var region = box.Of(pixels);
        region.copy_(region.index_select(0, partners));
    }
}
