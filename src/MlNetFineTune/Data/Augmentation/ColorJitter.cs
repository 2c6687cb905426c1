using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// Changes brightness, contrast, saturation and hue, each by a uniform random amount, in random order: torchvision's <c>ColorJitter</c>. A factor
/// lies between 1 - amount and 1 + amount, but not below 0.
/// </summary>
public sealed record ColorJitter : Augmentation
{
    /// <param name="brightness">Greatest change of the factor. 0 to 10; 0 leaves brightness alone.</param>
    /// <param name="contrast">Greatest change of the factor. 0 to 10.</param>
    /// <param name="saturation">Greatest change of the factor. 0 to 10.</param>
    /// <param name="hue">Greatest turn, as a share of the circle of hues. 0 to 0.5. The slowest of the four.</param>
    public ColorJitter(float brightness = 0, float contrast = 0, float saturation = 0, float hue = 0)
    {
        Brightness = Checked.Range(brightness, 0, 10);
        Contrast = Checked.Range(contrast, 0, 10);
        Saturation = Checked.Range(saturation, 0, 10);
        Hue = Checked.Range(hue, 0, 0.5f);
    }

    /// <summary>Greatest change of the factor.</summary>
    public float Brightness { get; }

    /// <summary>Greatest change of the factor.</summary>
    public float Contrast { get; }

    /// <summary>Greatest change of the factor.</summary>
    public float Saturation { get; }

    /// <summary>Greatest turn, as a share of the circle.</summary>
    public float Hue { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        Span<int> order = [0, 1, 2, 3];
        random.Shuffle(order);
        foreach (var kind in order)
        {
            var (amount, center, filter) = kind switch
            {
                0 => (Brightness, 1, (PixelFilter)ColorTables.Brightness),
                1 => (Contrast, 1, ColorTables.Contrast),
                2 => (Saturation, 1, ColorFilters.Saturation),
                _ => (Hue, 0, ColorFilters.Hue),
            };
            if (amount > 0)
                plan.Add(filter, random.NextDouble(center == 0 ? -amount : Math.Max(0, center - amount), center + amount));
        }
    }
}
