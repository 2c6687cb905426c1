using MlNetFineTune.Data;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// The part that scoring sees, but from a random place: the shorter side becomes <c>Size / CropFraction</c> pixels, as in
/// <see cref="ImagePreprocessing"/>, <see cref="Padding"/> pixels of the mean colour are put around, and a square of the network's size is taken,
/// every place equally likely. torchvision's <c>Resize</c> and <c>RandomCrop(padding)</c>; with a padding of 4 the classic of CIFAR.
/// </summary>
public sealed record RandomCrop : Augmentation
{
    /// <param name="padding">In pixels of the network's input. 0 to 4096.</param>
    public RandomCrop(int padding = 0) => Padding = Checked.Range(padding, 0, 4096);

    /// <summary>Pixels that are put around the picture.</summary>
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
