using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Counts the multiply-adds of the matrix products (convolutions, linear layers, attention) that run on this thread while it lives. Norms,
/// activations, pooling and biases are left out, as is usual.
/// </summary>
internal sealed class MultiplyAddCounter : IDisposable
{
    [ThreadStatic]
    private static MultiplyAddCounter? s_current;

    public MultiplyAddCounter() => s_current = this;

    public long Count { get; private set; }

    /// <summary>Called by layers that multiply, with the number of multiply-adds.</summary>
    /// <param name="output">The product.</param>
    /// <param name="weight">[out, ...]: each value of the product took as many multiply-adds as one output has weights.</param>
    public static void Add(Tensor output, Tensor weight)
    {
        if (s_current is { } counter)
            counter.Count += output.numel() * (weight.numel() / weight.shape[0]);
    }

    /// <summary>A product of two computed tensors.</summary>
    /// <param name="output">The product.</param>
    /// <param name="terms">Number of multiply-adds of each of its values.</param>
    public static void AddProduct(Tensor output, long terms)
    {
        if (s_current is { } counter)
            counter.Count += output.numel() * terms;
    }

    /// <summary>Attention's two products, of queries with keys and of their weights with values.</summary>
    /// <param name="mixed">[N, heads, T, d]: each of its values took T multiply-adds, and each value of a query as many.</param>
    public static void AddAttention(Tensor mixed)
    {
        if (s_current is { } counter)
            counter.Count += 2 * mixed.numel() * mixed.shape[2];
    }

    public void Dispose() => s_current = null;
}
