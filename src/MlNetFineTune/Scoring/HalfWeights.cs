using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Weights in IEEE half precision: parameters with two or more dimensions. Biases, norms and running statistics stay in single precision:
/// they are about 1 % of the file, and half precision has no values below 6e-8 and reduced precision below 6e-5, a range in which the
/// running variances of nearly constant channels lie, by whose square root activations are divided. Parameters with values above 65504, the
/// largest finite number, stay in single precision too.
/// </summary>
internal static class HalfWeights
{
    /// <summary>All tensors of the network, for writing. They belong to the current dispose scope.</summary>
    public static IReadOnlyList<(string Name, Tensor Tensor)> Of(FineTunedNetwork network)
    {
        var parameters = network.NamedParameters().Select(named => named.Name).ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors()
            .Select(named => (named.Name, parameters.Contains(named.Name) ? Rounded(named.Tensor) : named.Tensor))];
    }

    /// <summary>
    /// Copies the weights of a network, rounded to half precision, into another, and prepares that for scoring on the same device.
    /// </summary>
    /// <param name="original">The source; not changed.</param>
    /// <param name="copy">The target, of the same architecture. Disposed if this fails.</param>
    /// <returns><paramref name="copy"/>.</returns>
    public static T Fill<T>(FineTunedNetwork original, T copy)
        where T : FineTunedNetwork
    {
        try
        {
            Copy(original, copy);
            copy.MoveTo(original.Device);
            copy.UsesBFloat16 = original.UsesBFloat16;
            copy.PrepareForScoring();
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private static void Copy(FineTunedNetwork from, FineTunedNetwork to)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var ((_, source), (_, target)) in Of(from).Zip(to.NamedTensors()))
            target.copy_(source);
    }

    private static Tensor Rounded(Tensor tensor)
    {
        using var noGradients = no_grad();
        if (tensor.ndim < 2 || tensor.dtype != ScalarType.Float32)
            return tensor;
        var half = tensor.to_type(ScalarType.Float16);
        return half.isfinite().all().item<bool>() ? half : tensor;
    }
}
