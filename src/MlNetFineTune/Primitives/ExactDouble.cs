using System.Globalization;

namespace MlNetFineTune.Primitives;

/// <summary>Options are floats; PyTorch computes with the doubles that their decimal digits mean: 0.9 rather than 0.899999976.</summary>
internal static class ExactDouble
{
    public static double Of(float value) => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
