using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The attention of a text encoder's layer between its linear layers: softmax(Q K' / sqrt(d)) V for each head (Vaswani et al. 2017, section
/// 3.2, https://arxiv.org/abs/1706.03762), by libtorch's fused kernel where there is one.
/// </summary>
internal sealed class TextAttention(TextConfig config)
{
    private const int WeightsSite = 0;

    /// <param name="query">[N, heads, T, d].</param>
    /// <param name="key">[N, heads, T, d].</param>
    /// <param name="value">[N, heads, T, d].</param>
    /// <param name="mask">
    /// [N, 1, 1 or T, T], true where a token attends to another; or addends of the scores, [1 or N, heads, T, T]; null for neither.
    /// </param>
    /// <param name="dropout">Dropout of the layer in a training step; null for none.</param>
    /// <returns>[N, T, C].</returns>
    public Tensor Mix(Tensor query, Tensor key, Tensor value, Tensor? mask, RowDropout? dropout)
    {
        var mixed = dropout is not null && config.AttentionDropout > 0 && RowDropout.DrawsByRow(query.device)
            ? MixWithDropout(query, key, value, mask, dropout)
            : nn.functional.scaled_dot_product_attention(
                query, key, value, mask, dropout is null ? 0 : config.AttentionDropout, is_casual: false); // [N, heads, T, d]
        MultiplyAddCounter.AddAttention(mixed);
        return mixed.transpose(1, 2).reshape(mixed.shape[0], mixed.shape[2], config.Width);
    }

    /// <summary><see cref="Mix"/> in an exported graph.</summary>
    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="query">[N, heads, T, d].</param>
    /// <param name="key">[N, heads, d, T].</param>
    /// <param name="value">[N, heads, T, d].</param>
    /// <param name="bias">Added to the scores: [N, 1, 1 or T, T] or [N, heads, T, T].</param>
    public GraphValue Write(NetworkGraph graph, GraphValue query, GraphValue key, GraphValue value, GraphValue bias)
    {
        var root = graph.Scalar("root_of_width", MathF.Sqrt(config.HeadWidth));
        var weights = graph.Softmax(graph.Sum(graph.Add("Div", [graph.Add("MatMul", [query, key]), root]), bias)); // [N, heads, T, T]
        var mixed = graph.Transpose(graph.Add("MatMul", [weights, value]), 0, 2, 1, 3); // [N, T, heads, d]
        return graph.Reshape(mixed, 0, 0, config.Width);
    }

    // As libtorch's scaled_dot_product_attention computes with dropout on a CPU, where nothing is fused, with masks by row.
    private Tensor MixWithDropout(Tensor query, Tensor key, Tensor value, Tensor? mask, RowDropout dropout)
    {
        var scores = query.Mul(1 / Math.Sqrt(query.shape[^1])).matmul(key.transpose(2, 3)); // [N, heads, T, T]
        if (mask is not null)
        {
            scores = mask.dtype == ScalarType.Bool
                ? scores.MaskedFill(mask.logical_not(), double.NegativeInfinity)
                : scores.Add_(mask);
        }
        return dropout.ApplyToAttention(scores.softmax(-1), config.AttentionDropout, WeightsSite).matmul(value);
    }
}
