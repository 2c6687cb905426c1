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
        var (width, height) = ((int)plan.PictureWidth, (int)plan.PictureHeight);
        var (across, down) = plan.Output;
        var (resizedWidth, resizedHeight) = plan.ResizedForCrop(Math.Max(width, 1), Math.Max(height, 1));
        var left = random.NextInt(resizedWidth + 2 * Padding - across + 1) - Padding;
        var top = random.NextInt(resizedHeight + 2 * Padding - down + 1) - Padding;
        var (scaleX, scaleY) = (plan.Width / resizedWidth, plan.Height / resizedHeight);
        (plan.X, plan.Y, plan.Width, plan.Height) = (plan.X + left * scaleX, plan.Y + top * scaleY, across * scaleX, down * scaleY);
        plan.Stretch();
        if (left < 0 || top < 0 || left + across > resizedWidth || top + down > resizedHeight)
            plan.FillOutside();
    }
}
