using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Multi-head self-attention (Vaswani et al. 2017, section 3.2, https://arxiv.org/abs/1706.03762): softmax(Q K' / sqrt(d)) V for each head.
/// libtorch's fused kernel does not materialise the [T, T] weights.
/// </summary>
internal sealed class Attention : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Linear qkv;
    private readonly Linear proj;
#pragma warning restore IDE1006

    private readonly int _heads;

    public Attention(int channels, int heads)
        : base(nameof(Attention))
    {
        qkv = new Linear(channels, 3 * channels);
        proj = new Linear(channels, channels);
        _heads = heads;
        RegisterComponents();
    }

    /// <summary>[N, T, C] -> [N, T, C].</summary>
    public override Tensor forward(Tensor input)
    {
        var (batch, tokens, channels) = (input.shape[0], input.shape[1], input.shape[2]);
        using var scope = NewDisposeScope();
        // three of [N, heads, T, d]
        var parts = qkv.forward(input).view(batch, tokens, 3, _heads, channels / _heads).permute(2, 0, 3, 1, 4).unbind();
        var mixed = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]); // [N, heads, T, d]
        MultiplyAddCounter.AddAttention(mixed);
        return proj.forward(mixed.transpose(1, 2).reshape(batch, tokens, channels)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The attention weights of <see cref="forward"/>, averaged over the heads: [N, T, C] -> [N, T, T], with the shares of the input tokens
    /// in each row. Computed head by head, since those of all heads may not fit into memory. The caller disposes it.
    /// </summary>
    public Tensor Weights(Tensor input)
    {
        var (batch, tokens, width) = (input.shape[0], input.shape[1], input.shape[2] / _heads);
        using var scope = NewDisposeScope();
        var parts = qkv.forward(input).view(batch, tokens, 3, _heads, width);
        var sum = zeros(batch, tokens, tokens, input.dtype, input.device);
        for (var head = 0; head < _heads; head++)
        {
            using var ofHead = NewDisposeScope();
            var (query, key) = (parts.select(2, 0).select(2, head), parts.select(2, 1).select(2, head)); // [N, T, d]
            sum.Add_(nn.functional.softmax(query.matmul(key.transpose(1, 2)).Div(Math.Sqrt(width)), dim: -1));
        }
        return sum.Div_(_heads).MoveToOuterDisposeScope();
    }

    public GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var channels = proj.weight.shape[0];
        // [3, N, heads, T, d]
        var parts = graph.Transpose(graph.Reshape(qkv.Write(graph, input), 0, 0, 3, _heads, channels / _heads), 2, 0, 3, 1, 4);
        var scale = graph.Scalar("scale", 1 / MathF.Sqrt(channels / _heads));
        // [N, heads, T, T]
        var weights = graph.Softmax(graph.Add("MatMul", [graph.Product(Part(0), scale), graph.Transpose(Part(1), 0, 1, 3, 2)]));
        var mixed = graph.Transpose(graph.Add("MatMul", [weights, Part(2)]), 0, 2, 1, 3); // [N, T, heads, d]
        return proj.Write(graph, graph.Reshape(mixed, 0, 0, -1));

        GraphValue Part(long index) => graph.Add("Squeeze", [graph.Slice(parts, axis: 0, index, index + 1), graph.Constant("axes", 0)]);
    }
}
