using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>What the automatic policies choose from, by torchvision's names (transforms/autoaugment.py, <c>_apply_op</c>).</summary>
internal enum PolicyOperation
{
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}

/// <summary>One operation of a policy and its magnitudes: evenly spaced from the weakest to the strongest.</summary>
/// <param name="Operation">What is done.</param>
/// <param name="Weakest">In the unit that the operation takes; a share of the picture's side for translations.</param>
/// <param name="Strongest">Likewise.</param>
/// <param name="Signed">The magnitude is negative half of the time.</param>
internal readonly record struct PolicyChoice(PolicyOperation Operation, double Weakest = 0, double Strongest = 0, bool Signed = false)
{
    /// <summary>As torchvision computes it, in float32: the last bit may decide which pixels a threshold catches.</summary>
    /// <param name="bin">0 to <paramref name="bins"/> - 1.</param>
    /// <param name="bins">At least 2.</param>
    /// <param name="side">Of the picture in pixels, in the translation's direction.</param>
    public float Magnitude(int bin, int bins, double side)
    {
        if (Operation is PolicyOperation.Posterize)
            return (float)(Weakest - Math.Round(bin / ((bins - 1) / (Weakest - Strongest))));
        var unit = Operation is PolicyOperation.TranslateX or PolicyOperation.TranslateY ? side : 1;
        var (start, end) = ((float)(Weakest * unit), (float)(Strongest * unit));
        var step = (end - start) / (bins - 1);
        return bin < bins / 2 ? start + step * bin : end - step * (bins - 1 - bin);
    }

    public static void Apply(ref ImagePlan plan, PolicyOperation operation, float magnitude)
    {
        switch (operation)
        {
            case PolicyOperation.ShearX:
                plan.Apply(Projection.Affine(0, 0, 0, 0, 0, 1, Math.Atan(magnitude) * 180 / Math.PI, 0));
                break;
            case PolicyOperation.ShearY:
                plan.Apply(Projection.Affine(0, 0, 0, 0, 0, 1, 0, Math.Atan(magnitude) * 180 / Math.PI));
                break;
            case PolicyOperation.TranslateX:
                plan.Apply(Projection.Translation(-(int)magnitude, 0));
                break;
            case PolicyOperation.TranslateY:
                plan.Apply(Projection.Translation(0, -(int)magnitude));
                break;
            case PolicyOperation.Rotate:
                Rotation.Rotate(ref plan, magnitude);
                break;
            case PolicyOperation.Brightness:
                plan.Add(ColorTables.Brightness, 1 + magnitude);
                break;
            case PolicyOperation.Color:
                plan.Add(ColorFilters.Saturation, 1 + magnitude);
                break;
            case PolicyOperation.Contrast:
                plan.Add(ColorTables.Contrast, 1 + magnitude);
                break;
            case PolicyOperation.Sharpness:
                plan.Add(NeighborFilters.Sharpness, 1 + magnitude);
                break;
            case PolicyOperation.Posterize:
                plan.Add(ColorTables.Posterize, (int)magnitude);
                break;
            case PolicyOperation.Solarize:
                plan.Add(ColorTables.Solarize, magnitude);
                break;
            case PolicyOperation.AutoContrast:
                plan.Add(ColorTables.AutoContrast);
                break;
            case PolicyOperation.Equalize:
                plan.Add(ColorTables.Equalize);
                break;
        }
    }
}
