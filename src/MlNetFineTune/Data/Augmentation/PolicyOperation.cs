using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>Operations of the automatic policies, with torchvision's names (transforms/autoaugment.py, <c>_apply_op</c>).</summary>
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
/// <param name="Operation">The operation.</param>
/// <param name="Weakest">Lowest magnitude, in the unit of the operation; for translations a fraction of the picture's side.</param>
/// <param name="Strongest">Highest magnitude, in the same unit.</param>
/// <param name="Signed">Whether the magnitude is negated with probability 0.5.</param>
internal readonly record struct PolicyChoice(PolicyOperation Operation, double Weakest = 0, double Strongest = 0, bool Signed = false)
{
    /// <summary>The magnitude of a bin in float32, as in torchvision: the last bit may matter for thresholds.</summary>
    /// <param name="bin">0 to <paramref name="bins"/> - 1.</param>
    /// <param name="bins">At least 2.</param>
    /// <param name="side">Side of the picture in pixels, in the direction of the translation.</param>
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
