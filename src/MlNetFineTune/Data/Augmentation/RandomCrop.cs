using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.RandomCrop"/>
internal sealed record RandomCrop : Augmentation
{
    public RandomCrop(int padding = 0) => Padding = Checked.Range(padding, 0, 4096);

    public int Padding { get; }

    internal override bool Crops => true;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        var (size, width, height) = (plan.Preprocessing.Size, (int)plan.PictureWidth, (int)plan.PictureHeight);
        var (resizedWidth, resizedHeight) = ImagePlan.Resized(Math.Max(width, 1), Math.Max(height, 1), plan.Preprocessing);
        var left = random.NextInt(resizedWidth + 2 * Padding - size + 1) - Padding;
        var top = random.NextInt(resizedHeight + 2 * Padding - size + 1) - Padding;
        var (scaleX, scaleY) = (plan.Width / resizedWidth, plan.Height / resizedHeight);
        (plan.X, plan.Y, plan.Width, plan.Height) = (plan.X + left * scaleX, plan.Y + top * scaleY, size * scaleX, size * scaleY);
        plan.Stretch();
        if (left < 0 || top < 0 || left + size > resizedWidth || top + size > resizedHeight)
            plan.FillOutside();
    }
}
