using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Finds NaN and infinities in weights when they are loaded, so that the error names the file, and not later in a loss of NaN.
/// </summary>
internal static class FiniteNumbers
{
    // A file of a diverged training has them in all tensors.
    private const int MostNamed = 10;

    /// <param name="source">The file's name, for messages.</param>
    /// <param name="tensors">The tensors that were read from it, by name.</param>
    /// <exception cref="InvalidDataException">A number is NaN or infinite.</exception>
    public static void Require(string source, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        var bad = tensors.Where(one => !AreFinite(one.Tensor)).ToList();
        if (bad.Count == 0)
            return;
        var named = bad.Take(MostNamed).Select(one => string.Create(
            CultureInfo.InvariantCulture,
            $"{one.Name} {WeightEntry.Text(one.Tensor.shape)} ({CountOf(one.Tensor)} of {one.Tensor.numel()})"));
        throw new InvalidDataException(
            $"The weights in '{source}' hold numbers that are NaN or infinite, in {bad.Count} of {tensors.Count} tensors: "
                + $"{string.Join("; ", named)}"
            + (bad.Count > MostNamed ? $"; and {bad.Count - MostNamed} more" : "")
            + ". Nothing can be computed with them: the training that wrote the file has diverged, or the file is damaged. "
            + "Take an earlier checkpoint, or fetch the file again.");
    }

    // The extremes are NaN where one number is, and need no copy of the tensor.
    private static bool AreFinite(Tensor tensor)
    {
        if (!tensor.is_floating_point() || tensor.numel() == 0)
            return true;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return IsFinite(tensor.min()) && IsFinite(tensor.max());

        static bool IsFinite(Tensor number) => double.IsFinite(number.to_type(ScalarType.Float64).item<double>());
    }

    private static long CountOf(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return tensor.numel() - tensor.isfinite().sum().item<long>();
    }
}
