using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.RandomResizedCrop"/>
internal sealed record RandomResizedCrop : Augmentation
{
    public RandomResizedCrop(float minimumArea = 0.08f, float maximumArea = 1, float minimumRatio = 3f / 4, float maximumRatio = 4f / 3)
    {
        if (!(minimumArea > 0 && minimumArea <= maximumArea && maximumArea <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(minimumArea), $"The areas must satisfy 0 < minimum <= maximum <= 1, but are {minimumArea} and {maximumArea}.");
        if (!(minimumRatio > 0 && minimumRatio <= maximumRatio && float.IsFinite(maximumRatio)))
            throw new ArgumentOutOfRangeException(
                nameof(minimumRatio),
                $"The aspect ratios must satisfy 0 < minimum <= maximum, but are {minimumRatio} and {maximumRatio}.");
        (MinimumArea, MaximumArea, MinimumRatio, MaximumRatio) = (minimumArea, maximumArea, minimumRatio, maximumRatio);
    }

    public float MinimumArea { get; }

    public float MaximumArea { get; }

    public float MinimumRatio { get; }

    public float MaximumRatio { get; }

    internal override bool Crops => true;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        // The ratio is that of the distortion: for a square output the region's own, otherwise relative to the output's ratio.
        var aspect = (double)plan.Output.Width / plan.Output.Height;
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = plan.Width * plan.Height * random.NextDouble(MinimumArea, MaximumArea);
            var ratio = Math.Exp(random.NextDouble(Math.Log(MinimumRatio), Math.Log(MaximumRatio))) * aspect;
            var width = Math.Round(Math.Sqrt(area * ratio));
            var height = Math.Round(Math.Sqrt(area / ratio));
            if (width >= 1 && width <= plan.Width && height >= 1 && height <= plan.Height)
            {
                plan.X += random.NextInt((int)(plan.Width - width) + 1);
                plan.Y += random.NextInt((int)(plan.Height - height) + 1);
                (plan.Width, plan.Height) = (width, height);
                plan.Stretch();
                return;
            }
        }

        var (wholeWidth, wholeHeight) = (plan.Width, plan.Height);
        var whole = wholeWidth / wholeHeight;
        var (least, most) = (MinimumRatio * aspect, MaximumRatio * aspect);
        if (whole < least)
            plan.Height = Math.Round(wholeWidth / least);
        else if (whole > most)
            plan.Width = Math.Round(wholeHeight * most);
        plan.X += Math.Floor((wholeWidth - plan.Width) / 2);
        plan.Y += Math.Floor((wholeHeight - plan.Height) / 2);
        plan.Stretch();
    }
}
