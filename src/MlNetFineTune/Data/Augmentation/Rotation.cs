using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Rotation"/>
internal sealed record Rotation : Augmentation
{
    public Rotation(float degrees) => Degrees = Checked.Range(degrees, 0, 180);

    public float Degrees { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => Rotate(ref plan, random.NextDouble(-Degrees, Degrees));

    /// <summary>Counter-clockwise, as in torchvision's <c>rotate</c>.</summary>
    internal static void Rotate(ref ImagePlan plan, double degrees) =>
        plan.Apply(Projection.Affine(plan.PictureWidth / 2, plan.PictureHeight / 2, -degrees, 0, 0, 1, 0, 0));
}
