using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The layer of ModernBERT (Warner et al. 2024, https://arxiv.org/abs/2412.13663), without biases: it normalises before attention and
/// before the perceptron, rotates queries and keys by their positions, and its perceptron is gated, GELU(U x) * (V x) (GeGLU, Shazeer
/// 2020, https://arxiv.org/abs/2002.05202).
/// </summary>
/// <param name="config">Form of the network.</param>
/// <param name="positions">Rotations of queries and keys, and how far a token sees.</param>
/// <param name="hasAttentionNorm">False for the first layer, which follows the norm of the embeddings.</param>
internal sealed class PreNormLayer(TextConfig config, RotaryPositions positions, bool hasAttentionNorm) : TextLayer
{
    private readonly TextAttention _attention = new(config);
    private readonly LayerNorm? _attentionNorm = hasAttentionNorm ? new(config.Width, config.Epsilon, hasBias: false) : null;
    private readonly Linear _queryKeyValue = new(config.Width, 3 * config.Width, hasBias: false);
    private readonly Linear _attentionOutput = new(config.Width, config.Width, hasBias: false);
    private readonly LayerNorm _perceptronNorm = new(config.Width, config.Epsilon, hasBias: false);
    private readonly Linear _inner = new(config.Width, 2 * config.InnerWidth, hasBias: false); // activated half, then gate
    private readonly Linear _outer = new(config.InnerWidth, config.Width, hasBias: false);

    public override IEnumerable<(string Name, nn.Module Module)> Modules(int index)
    {
        var naming = TextNaming.Of(config.Kind);
        if (_attentionNorm is not null)
            yield return (naming.Of(index, "attn_norm"), _attentionNorm);
        yield return (naming.Of(index, "attn.Wqkv"), _queryKeyValue);
        yield return (naming.Of(index, "attn.Wo"), _attentionOutput);
        yield return (naming.Of(index, "mlp_norm"), _perceptronNorm);
        yield return (naming.Of(index, "mlp.Wi"), _inner);
        yield return (naming.Of(index, "mlp.Wo"), _outer);
    }

    public override Tensor Forward(Tensor input, Tensor? padding, RowDropout? dropout)
    {
        using var scope = NewDisposeScope();
        var attention = Attend(_attentionNorm?.forward(input) ?? input, padding, dropout);
        var attended = Dropped(attention, config.AttentionDropout, dropout, AttendedSite).Add_(input);
        var halves = _inner.forward(_perceptronNorm.forward(attended)).chunk(2, -1);
        var inner = config.Activation.ApplyInPlace(halves[0]).mul(halves[1]); // [N, T, inner]
        // The backward pass of a linear layer does not need its output.
        return _outer.forward(Dropped(inner, config.Dropout, dropout, PerceptronSite)).Add_(attended).MoveToOuterDisposeScope();
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input, GraphValue padding)
    {
        var attention = WriteAttention(graph, _attentionNorm?.Write(graph, input) ?? input, padding);
        var attended = graph.Sum(attention, input);
        var halves = _inner.Write(graph, _perceptronNorm.Write(graph, attended));
        var activated = config.Activation.Write(graph, graph.Slice(halves, axis: 2, 0, config.InnerWidth));
        var inner = graph.Product(activated, graph.Slice(halves, axis: 2, config.InnerWidth, 2L * config.InnerWidth));
        return graph.Sum(_outer.Write(graph, inner), attended);
    }

    private Tensor Attend(Tensor input, Tensor? padding, RowDropout? dropout)
    {
        var (batch, tokens) = (input.shape[0], input.shape[1]);
        var all = _queryKeyValue.forward(input).view(batch, tokens, 3, config.Heads, config.HeadWidth);
        var rotated = positions.Rotate(all.narrow(2, 0, 2)); // [N, T, 2, heads, d]
        var mask = positions.MaskOf(padding, tokens, input.device);
        return _attentionOutput.forward(_attention.Mix(Part(rotated, 0), Part(rotated, 1), Part(all, 2), mask, dropout));

        // [N, heads, T, d]
        static Tensor Part(Tensor vectors, long index) => vectors.select(2, index).transpose(1, 2);
    }

    private GraphValue WriteAttention(NetworkGraph graph, GraphValue input, GraphValue padding)
    {
        var all = graph.Reshape(_queryKeyValue.Write(graph, input), 0, 0, 3, config.Heads, config.HeadWidth);
        var rotated = positions.Write(graph, graph.Slice(all, axis: 2, 0, 2)); // [N, T, 2, heads, d]
        var (query, key, value) = (Part(rotated, 0, 0, 2, 1, 3), Part(rotated, 1, 0, 2, 3, 1), Part(all, 2, 0, 2, 1, 3));
        var mixed = _attention.Write(graph, query, key, value, positions.WriteBias(graph, padding, input));
        return _attentionOutput.Write(graph, mixed);

        // [N, heads, T, d], or [N, heads, d, T] of keys
        GraphValue Part(GraphValue vectors, long index, params long[] order) => graph.Transpose(
            graph.Reshape(graph.Slice(vectors, axis: 2, index, index + 1), 0, 0, config.Heads, config.HeadWidth), order);
    }
}
