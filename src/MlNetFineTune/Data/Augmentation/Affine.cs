using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Affine"/>
internal sealed record Affine : Augmentation
{
    public Affine(
        float degrees = 0,
        float translateX = 0,
        float translateY = 0,
        float minimumScale = 1,
        float maximumScale = 1,
        float shearX = 0,
        float shearY = 0)
    {
        if (!(minimumScale >= 0.01f && minimumScale <= maximumScale && maximumScale <= 100))
            throw new ArgumentOutOfRangeException(
                nameof(minimumScale),
                $"The scales must satisfy 0.01 <= minimum <= maximum <= 100, but are {minimumScale} and {maximumScale}.");
        Degrees = Checked.Range(degrees, 0, 180);
        TranslateX = Checked.Range(translateX, 0, 1);
        TranslateY = Checked.Range(translateY, 0, 1);
        (MinimumScale, MaximumScale) = (minimumScale, maximumScale);
        ShearX = Checked.Range(shearX, 0, 80);
        ShearY = Checked.Range(shearY, 0, 80);
    }

    public float Degrees { get; }

    public float TranslateX { get; }

    public float TranslateY { get; }

    public float MinimumScale { get; }

    public float MaximumScale { get; }

    public float ShearX { get; }

    public float ShearY { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        var (width, height) = (plan.PictureWidth, plan.PictureHeight);
        var degrees = random.NextDouble(-Degrees, Degrees);
        // Whole pixels, as in torchvision.
        var translateX = Math.Round(random.NextDouble(-TranslateX, TranslateX) * width);
        var translateY = Math.Round(random.NextDouble(-TranslateY, TranslateY) * height);
        var scale = random.NextDouble(MinimumScale, MaximumScale);
        var shearX = random.NextDouble(-ShearX, ShearX);
        var shearY = random.NextDouble(-ShearY, ShearY);
        plan.Apply(Projection.Affine(width / 2, height / 2, degrees, translateX, translateY, scale, shearX, shearY));
    }
}
