using MlNetFineTune.Data;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// A random part of the picture, stretched to the network's input (Szegedy et al. 2014, section 6, https://arxiv.org/abs/1409.4842). The
/// part's area is uniform between <see cref="MinimumArea"/> and <see cref="MaximumArea"/> of the picture, the logarithm of its aspect ratio
/// uniform between <see cref="MinimumRatio"/> and <see cref="MaximumRatio"/>; drawn, as in torchvision, up to ten times until it fits, else
/// the largest central part is taken.
/// </summary>
public sealed record RandomResizedCrop : Augmentation
{
    /// <param name="minimumArea">Least share of the picture's area. Above 0.</param>
    /// <param name="maximumArea">Greatest share of the picture's area. At most 1.</param>
    /// <param name="minimumRatio">Least width over height. Above 0.</param>
    /// <param name="maximumRatio">Greatest width over height.</param>
    public RandomResizedCrop(float minimumArea = 0.08f, float maximumArea = 1, float minimumRatio = 3f / 4, float maximumRatio = 4f / 3)
    {
        if (!(minimumArea > 0 && minimumArea <= maximumArea && maximumArea <= 1))
            throw new ArgumentOutOfRangeException(nameof(minimumArea), $"The areas must satisfy 0 < minimum <= maximum <= 1, but are {minimumArea} and {maximumArea}.");
        if (!(minimumRatio > 0 && minimumRatio <= maximumRatio && float.IsFinite(maximumRatio)))
            throw new ArgumentOutOfRangeException(nameof(minimumRatio), $"The aspect ratios must satisfy 0 < minimum <= maximum, but are {minimumRatio} and {maximumRatio}.");
        (MinimumArea, MaximumArea, MinimumRatio, MaximumRatio) = (minimumArea, maximumArea, minimumRatio, maximumRatio);
    }

    /// <summary>Least share of the picture's area.</summary>
    public float MinimumArea { get; }

    /// <summary>Greatest share of the picture's area.</summary>
    public float MaximumArea { get; }

    /// <summary>Least width over height.</summary>
    public float MinimumRatio { get; }

    /// <summary>Greatest width over height.</summary>
    public float MaximumRatio { get; }

    internal override bool Crops => true;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = plan.Width * plan.Height * random.NextDouble(MinimumArea, MaximumArea);
            var ratio = Math.Exp(random.NextDouble(Math.Log(MinimumRatio), Math.Log(MaximumRatio)));
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
        if (whole < MinimumRatio)
            plan.Height = Math.Round(wholeWidth / MinimumRatio);
        else if (whole > MaximumRatio)
            plan.Width = Math.Round(wholeHeight * MaximumRatio);
        plan.X += Math.Floor((wholeWidth - plan.Width) / 2);
        plan.Y += Math.Floor((wholeHeight - plan.Height) / 2);
        plan.Stretch();
    }
}
