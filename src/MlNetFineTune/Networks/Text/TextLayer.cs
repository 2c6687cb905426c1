using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// A layer of a text encoder, [N, T, C] -> [N, T, C]: attention, then a perceptron, each added to its input and normalised
/// (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).
/// </summary>
internal sealed class TextLayer(TextConfig config)
{
    // Where a layer drops; its encoder drops before and after.
    private const int AttentionSite = 0, AttendedSite = 1, OutputSite = 2;

    /// <summary>Sites of dropout in a layer.</summary>
    public const int DropoutSites = 3;

    public Linear Query { get; } = new(config.Width, config.Width);

    public Linear Key { get; } = new(config.Width, config.Width);

    public Linear Value { get; } = new(config.Width, config.Width);

    public Linear AttentionOutput { get; } = new(config.Width, config.Width);

    public LayerNorm AttentionNorm { get; } = new(config.Width, config.Epsilon);

    public Linear Inner { get; } = new(config.Width, config.InnerWidth);

    public Linear Outer { get; } = new(config.InnerWidth, config.Width);

    public LayerNorm OutputNorm { get; } = new(config.Width, config.Epsilon);

    /// <summary>The modules and their names, as weight files have them.</summary>
    public IEnumerable<(string Name, nn.Module Module)> Modules(TextNaming naming, int index) =>
    [
        (naming.Of(index, naming.Query), Query), (naming.Of(index, naming.Key), Key), (naming.Of(index, naming.Value), Value),
        (naming.Of(index, naming.AttentionOutput), AttentionOutput), (naming.Of(index, naming.AttentionNorm), AttentionNorm),
        (naming.Of(index, naming.Inner), Inner), (naming.Of(index, naming.Outer), Outer),
        (naming.Of(index, naming.OutputNorm), OutputNorm),
    ];

    /// <param name="input">[N, T, C]. Not changed.</param>
    /// <param name="mask">
    /// [N, 1, 1, T], true for tokens that are not padding; or addends of the attention's scores, [1 or N, heads, T, T]; null for neither.
    /// </param>
    /// <param name="dropout">Dropout of the layer in a training step; null for none.</param>
    public Tensor Forward(Tensor input, Tensor? mask, RowDropout? dropout)
    {
        using var scope = NewDisposeScope();
        // DistilBERT drops attention weights, but not what its last layer gives.
        var attended = AttentionNorm.forward(
            Dropped(Attend(input, mask, dropout), config.Kind == TextKind.DistilBert ? null : dropout, AttendedSite).Add_(input));
        // The backward pass of a linear layer does not need its output.
        var output = Dropped(Outer.forward(config.Activation.ApplyInPlace(Inner.forward(attended))), dropout, OutputSite).Add_(attended);
        return OutputNorm.forward(output).MoveToOuterDisposeScope();
    }

    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="input">[N, T, C].</param>
    /// <param name="bias">[N, 1, 1, T]: added to the scores of the attention, 0 for tokens and very low for padding.</param>
    /// <returns>[N, T, C].</returns>
    public GraphValue Write(NetworkGraph graph, GraphValue input, GraphValue bias)
    {
        var attended = AttentionNorm.Write(graph, graph.Sum(WriteAttention(graph, input, bias), input));
        var output = Outer.Write(graph, config.Activation.Write(graph, Inner.Write(graph, attended)));
        return OutputNorm.Write(graph, graph.Sum(output, attended));
    }

    private Tensor Attend(Tensor input, Tensor? mask, RowDropout? dropout)
    {
        var (query, key, value) = (Heads(Query.forward(input)), Heads(Key.forward(input)), Heads(Value.forward(input)));
        var mixed = dropout is not null && config.AttentionDropout > 0 && RowDropout.DrawsByRow(input.device)
            ? AttendWithDropout(query, key, value, mask, dropout)
            : nn.functional.scaled_dot_product_attention(
                query, key, value, mask, dropout is null ? 0 : config.AttentionDropout, is_casual: false); // [N, heads, T, d]
        MultiplyAddCounter.AddAttention(mixed);
        return AttentionOutput.forward(mixed.transpose(1, 2).reshape(input.shape));
    }

    // As libtorch's scaled_dot_product_attention computes with dropout on a CPU, where nothing is fused, with masks by row.
    private Tensor AttendWithDropout(Tensor query, Tensor key, Tensor value, Tensor? mask, RowDropout dropout)
    {
        var scores = query.Mul(1 / Math.Sqrt(query.shape[^1])).matmul(key.transpose(2, 3)); // [N, heads, T, T]
        if (mask is not null)
        {
            scores = mask.dtype == ScalarType.Bool
                ? scores.MaskedFill(mask.logical_not(), double.NegativeInfinity)
                : scores.Add_(mask);
        }
        return dropout.ApplyToAttention(scores.softmax(-1), config.AttentionDropout, AttentionSite).matmul(value);
    }

    // [N, T, C] -> [N, heads, T, d]
    private Tensor Heads(Tensor vectors) =>
        vectors.view(vectors.shape[0], vectors.shape[1], config.Heads, config.Width / config.Heads).transpose(1, 2);

    private GraphValue WriteAttention(NetworkGraph graph, GraphValue input, GraphValue bias)
    {
        var width = config.Width / config.Heads;
        var (query, key, value) = (Part(Query, 0, 2, 1, 3), Part(Key, 0, 2, 3, 1), Part(Value, 0, 2, 1, 3));
        var scores = graph.Add("Div", [graph.Add("MatMul", [query, key]), graph.Scalar("root_of_width", MathF.Sqrt(width))]);
        var weights = graph.Softmax(graph.Sum(scores, bias)); // [N, heads, T, T]
        var mixed = graph.Transpose(graph.Add("MatMul", [weights, value]), 0, 2, 1, 3); // [N, T, heads, d]
        return AttentionOutput.Write(graph, graph.Reshape(mixed, 0, 0, config.Width));

        // [N, T, C] -> [N, heads, T, d], or [N, heads, d, T] of keys
        GraphValue Part(Linear layer, params long[] order) =>
            graph.Transpose(graph.Reshape(layer.Write(graph, input), 0, 0, config.Heads, width), order);
    }

    private Tensor Dropped(Tensor vectors, RowDropout? dropout, int site) =>
        dropout is not null && config.Dropout > 0 ? dropout.Apply(vectors, config.Dropout, site) : vectors;
}
