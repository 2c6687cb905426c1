using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// Turns the picture about its centre by an angle that is uniform between -<see cref="Degrees"/> and <see cref="Degrees"/>: torchvision's
/// <c>RandomRotation</c>, bilinear. What comes into view is real picture where there is some beyond the crop, else the mean colour.
/// </summary>
public sealed record Rotation : Augmentation
{
    /// <param name="degrees">0 to 180.</param>
    public Rotation(float degrees) => Degrees = Checked.Range(degrees, 0, 180);

    /// <summary>Greatest angle.</summary>
    public float Degrees { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => Rotate(ref plan, random.NextDouble(-Degrees, Degrees));

    /// <summary>Counter-clockwise, as torchvision's <c>rotate</c>.</summary>
    internal static void Rotate(ref ImagePlan plan, double degrees) =>
        plan.Apply(Projection.Affine(plan.PictureWidth / 2, plan.PictureHeight / 2, -degrees, 0, 0, 1, 0, 0));
}
