using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.ColorJitter"/>
internal sealed record ColorJitter : Augmentation
{
    public ColorJitter(float brightness = 0, float contrast = 0, float saturation = 0, float hue = 0)
    {
        Brightness = Checked.Range(brightness, 0, 10);
        Contrast = Checked.Range(contrast, 0, 10);
        Saturation = Checked.Range(saturation, 0, 10);
        Hue = Checked.Range(hue, 0, 0.5f);
    }

    public float Brightness { get; }

    public float Contrast { get; }

    public float Saturation { get; }

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
