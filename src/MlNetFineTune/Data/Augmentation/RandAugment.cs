using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.RandAugment"/>
internal sealed record RandAugment : Augmentation
{
    public RandAugment(int count = 2, int magnitude = 9, int bins = 31)
    {
        Count = Checked.Range(count, 1, 16);
        Bins = Checked.Range(bins, 2, 1000);
        Magnitude = Checked.Range(magnitude, 0, bins - 1);
    }

    public int Count { get; }

    public int Magnitude { get; }

    public int Bins { get; }

    internal static Policy Policy { get; } = new(
        new(PolicyOperation.Identity),
        new(PolicyOperation.ShearX, 0, 0.3, Signed: true),
        new(PolicyOperation.ShearY, 0, 0.3, Signed: true),
        new(PolicyOperation.TranslateX, 0, 150.0 / 331, Signed: true),
        new(PolicyOperation.TranslateY, 0, 150.0 / 331, Signed: true),
        new(PolicyOperation.Rotate, 0, 30, Signed: true),
        new(PolicyOperation.Brightness, 0, 0.9, Signed: true),
        new(PolicyOperation.Color, 0, 0.9, Signed: true),
        new(PolicyOperation.Contrast, 0, 0.9, Signed: true),
        new(PolicyOperation.Sharpness, 0, 0.9, Signed: true),
        new(PolicyOperation.Posterize, 8, 4),
        new(PolicyOperation.Solarize, 255, 0),
        new(PolicyOperation.AutoContrast),
        new(PolicyOperation.Equalize));

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        for (var i = 0; i < Count; i++)
            Policy.Apply(ref plan, ref random, Magnitude, Bins);
    }
}
