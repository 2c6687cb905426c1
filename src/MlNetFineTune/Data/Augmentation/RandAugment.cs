using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// So many operations one after another, each drawn from the same fourteen, all of one magnitude (Cubuk et al. 2020,
/// https://arxiv.org/abs/1909.13719); operations and magnitudes are those of torchvision's <c>RandAugment</c>. Geometry is bilinear.
/// </summary>
public sealed record RandAugment : Augmentation
{
    /// <param name="count">How many operations, one after another. 1 to 16.</param>
    /// <param name="magnitude">How strong. 0 to <paramref name="bins"/> - 1.</param>
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000.</param>
    public RandAugment(int count = 2, int magnitude = 9, int bins = 31)
    {
        Count = Checked.Range(count, 1, 16);
        Bins = Checked.Range(bins, 2, 1000);
        Magnitude = Checked.Range(magnitude, 0, bins - 1);
    }

    /// <summary>How many operations are done.</summary>
    public int Count { get; }

    /// <summary>How strong they are, of <see cref="Bins"/> steps.</summary>
    public int Magnitude { get; }

    /// <summary>Steps of magnitude.</summary>
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
