using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// Turns, moves, resizes and shears the picture about its centre, each by a uniform random amount: torchvision's <c>RandomAffine</c>, bilinear.
/// What comes into view is real picture where there is some beyond the crop, else the mean colour.
/// </summary>
public sealed record Affine : Augmentation
{
    /// <param name="degrees">Greatest angle to either side. 0 to 180.</param>
    /// <param name="translateX">Greatest movement to either side, as a share of the width. 0 to 1.</param>
    /// <param name="translateY">Greatest movement up or down, as a share of the height. 0 to 1.</param>
    /// <param name="minimumScale">Least enlargement; below 1 the picture shrinks. Above 0.</param>
    /// <param name="maximumScale">Greatest enlargement. At most 100.</param>
    /// <param name="shearX">Greatest angle by which upright lines lean, in degrees. 0 to 80.</param>
    /// <param name="shearY">Greatest angle by which level lines lean, in degrees. 0 to 80.</param>
    public Affine(float degrees = 0, float translateX = 0, float translateY = 0, float minimumScale = 1, float maximumScale = 1, float shearX = 0, float shearY = 0)
    {
        if (!(minimumScale >= 0.01f && minimumScale <= maximumScale && maximumScale <= 100))
            throw new ArgumentOutOfRangeException(nameof(minimumScale), $"The scales must satisfy 0.01 <= minimum <= maximum <= 100, but are {minimumScale} and {maximumScale}.");
        Degrees = Checked.Range(degrees, 0, 180);
        TranslateX = Checked.Range(translateX, 0, 1);
        TranslateY = Checked.Range(translateY, 0, 1);
        (MinimumScale, MaximumScale) = (minimumScale, maximumScale);
        ShearX = Checked.Range(shearX, 0, 80);
        ShearY = Checked.Range(shearY, 0, 80);
    }

    /// <summary>Greatest angle.</summary>
    public float Degrees { get; }

    /// <summary>Greatest movement, as a share of the width.</summary>
    public float TranslateX { get; }

    /// <summary>Greatest movement, as a share of the height.</summary>
    public float TranslateY { get; }

    /// <summary>Least enlargement.</summary>
    public float MinimumScale { get; }

    /// <summary>Greatest enlargement.</summary>
    public float MaximumScale { get; }

    /// <summary>Greatest lean of upright lines, in degrees.</summary>
    public float ShearX { get; }

    /// <summary>Greatest lean of level lines, in degrees.</summary>
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
