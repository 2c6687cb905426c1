using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// One operation, drawn from fourteen, with a magnitude drawn from a wide range: nothing to tune (Müller and Hutter 2021,
/// https://arxiv.org/abs/2103.10158); operations and magnitudes are those of torchvision's <c>TrivialAugmentWide</c>. Geometry is bilinear, and
/// translations, 32 pixels at most there, are at most a seventh of the side: the same at 224 pixels.
/// </summary>
public sealed record TrivialAugmentWide : Augmentation
{
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000.</param>
    public TrivialAugmentWide(int bins = 31) => Bins = Checked.Range(bins, 2, 1000);

    /// <summary>Steps of magnitude.</summary>
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

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => Policy.Apply(ref plan, ref random, random.NextInt(Bins), Bins);
}
