using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Weights in IEEE half precision: parameters of two dimensions and more. Biases, norms and running statistics stay as they are: they are a
/// hundredth of the file, and half precision has no numbers below 6e-8 and only coarse ones below 6e-5, where the variances of quiet
/// channels lie, by whose root everything is divided. So do parameters with numbers above 65504, its greatest.
/// </summary>
internal static class HalfWeights
{
    /// <summary>All tensors of the network, to be written. They belong to the present dispose scope.</summary>
    public static IReadOnlyList<(string Name, Tensor Tensor)> Of(FineTunedNetwork network)
    {
        var parameters = network.NamedParameters().Select(named => named.Name).ToHashSet(StringComparer.Ordinal);
        return [.. network.NamedTensors()
            .Select(named => (named.Name, parameters.Contains(named.Name) ? Rounded(named.Tensor) : named.Tensor))];
    }

    /// <summary>Gives a network the weights of another, in half precision, and makes it ready to score where that one is.</summary>
    /// <param name="original">Stays as it is.</param>
    /// <param name="copy">Has the same form. Disposed if this fails.</param>
    /// <returns><paramref name="copy"/>.</returns>
    public static T Fill<T>(FineTunedNetwork original, T copy)
        where T : FineTunedNetwork
    {
        try
        {
            Copy(original, copy);
            copy.MoveTo(original.Device);
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
