using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.TrivialAugmentWide"/>
internal sealed record TrivialAugmentWide : Augmentation
{
    public TrivialAugmentWide(int bins = 31) => Bins = Checked.Range(bins, 2, 1000);

    public int Bins { get; }

    internal static Policy Policy { get; } = new(
        new(PolicyOperation.Identity),
        new(PolicyOperation.ShearX, 0, 0.99, Signed: true),
        new(PolicyOperation.ShearY, 0, 0.99, Signed: true),
        new(PolicyOperation.TranslateX, 0, 32.0 / 224, Signed: true),
        new(PolicyOperation.TranslateY, 0, 32.0 / 224, Signed: true),
        new(PolicyOperation.Rotate, 0, 135, Signed: true),
        new(PolicyOperation.Brightness, 0, 0.99, Signed: true),
        new(PolicyOperation.Color, 0, 0.99, Signed: true),
        new(PolicyOperation.Contrast, 0, 0.99, Signed: true),
        new(PolicyOperation.Sharpness, 0, 0.99, Signed: true),
        new(PolicyOperation.Posterize, 8, 2),
        new(PolicyOperation.Solarize, 255, 0),
        new(PolicyOperation.AutoContrast),
        new(PolicyOperation.Equalize));

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) =>
        Policy.Apply(ref plan, ref random, random.NextInt(Bins), Bins);
}
