using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The layer of BERT and its kin, which normalises after each addition (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).
/// </summary>
/// <param name="config">Form of the network.</param>
/// <param name="relative">What attention adds for distances, which belongs to the encoder; null for nothing.</param>
internal sealed class PostNormLayer(TextConfig config, RelativePositions? relative) : TextLayer
{
    private readonly PostNormNaming _naming = PostNormNaming.Of(config.Kind);
    private readonly TextAttention _attention = new(config);

    public Linear Query { get; } = new(config.Width, config.Width);

    public Linear Key { get; } = new(config.Width, config.Width);

    public Linear Value { get; } = new(config.Width, config.Width);

    public Linear AttentionOutput { get; } = new(config.Width, config.Width);

    public LayerNorm AttentionNorm { get; } = new(config.Width, config.Epsilon);

    public Linear Inner { get; } = new(config.Width, config.InnerWidth);

    public Linear Outer { get; } = new(config.InnerWidth, config.Width);

    public LayerNorm OutputNorm { get; } = new(config.Width, config.Epsilon);

    public override IEnumerable<(string Name, nn.Module Module)> Modules(int index)
    {
        var naming = TextNaming.Of(config.Kind);
        return
        [
            (naming.Of(index, _naming.Query), Query), (naming.Of(index, _naming.Key), Key), (naming.Of(index, _naming.Value), Value),
            (naming.Of(index, _naming.AttentionOutput), AttentionOutput), (naming.Of(index, _naming.AttentionNorm), AttentionNorm),
            (naming.Of(index, _naming.Inner), Inner), (naming.Of(index, _naming.Outer), Outer),
            (naming.Of(index, _naming.OutputNorm), OutputNorm),
        ];
    }

    public override Tensor Forward(Tensor input, Tensor? padding, RowDropout? dropout)
    {
        using var scope = NewDisposeScope();
        // DistilBERT drops attention weights, but not what its last layer gives.
        var afterAttention = config.Kind == TextKind.DistilBert ? 0 : config.Dropout;
        var attended = AttentionNorm.forward(
            Dropped(Attend(input, padding, dropout), afterAttention, dropout, AttendedSite).Add_(input));
        // The backward pass of a linear layer does not need its output.
        var output = Outer.forward(config.Activation.ApplyInPlace(Inner.forward(attended)));
        return OutputNorm.forward(Dropped(output, config.Dropout, dropout, PerceptronSite).Add_(attended)).MoveToOuterDisposeScope();
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input, GraphValue padding)
    {
        var attended = AttentionNorm.Write(graph, graph.Sum(WriteAttention(graph, input, padding), input));
        var output = Outer.Write(graph, config.Activation.Write(graph, Inner.Write(graph, attended)));
        return OutputNorm.Write(graph, graph.Sum(output, attended));
    }

    private Tensor Attend(Tensor input, Tensor? padding, RowDropout? dropout)
    {
        var mask = relative is null ? padding : relative.Of((int)input.shape[1], padding);
        var mixed = _attention.Mix(
            Heads(Query.forward(input)), Heads(Key.forward(input)), Heads(Value.forward(input)), mask, dropout); // [N, T, C]
        return AttentionOutput.forward(mixed);
    }

    // [N, T, C] -> [N, heads, T, d]
    private Tensor Heads(Tensor vectors) =>
        vectors.view(vectors.shape[0], vectors.shape[1], config.Heads, config.HeadWidth).transpose(1, 2);

    private GraphValue WriteAttention(NetworkGraph graph, GraphValue input, GraphValue padding)
    {
        var (query, key, value) = (Part(Query, 0, 2, 1, 3), Part(Key, 0, 2, 3, 1), Part(Value, 0, 2, 1, 3));
        var bias = relative is null ? padding : relative.Write(graph, input, config.MaximumLength, padding);
        return AttentionOutput.Write(graph, _attention.Write(graph, query, key, value, bias));

        // [N, T, C] -> [N, heads, T, d], or [N, heads, d, T] of keys
        GraphValue Part(Linear layer, params long[] order) =>
            graph.Transpose(graph.Reshape(layer.Write(graph, input), 0, 0, config.Heads, config.HeadWidth), order);
    }
}
