using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// Attention pooling by one learned query: [N, C, H, W] or [N, T, C] -> [N, C]. With x the C numbers of a position, k their layer norm
/// without scale and shift, and q the query of a head:
/// <code>
/// weights = softmax over positions of (q k' / sqrt(C)); output = sum of weights * x, over this head's share of the channels
/// </code>
/// This is multi-head attention with one query (the MAP head of Zhai et al. 2022, https://arxiv.org/abs/2106.04560, section 3.4; timm's
/// <c>AttentionPoolLatent</c>) without what a linear head above makes redundant: of the projections of query and keys only their product
/// matters, which is one vector of C numbers for each head, and the projections of values and output are linear maps in front of the linear
/// head (efficient probing, Psomas et al. 2025, https://arxiv.org/abs/2506.10178). A few hundred photos cannot fit the 4 C x C numbers of
/// these projections. A query of zeros is the average over the positions, where training starts. Norm without scale and shift: the scale
/// is part of the query, and a shift changes no softmax.
/// </summary>
internal sealed class AttentionPool : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6; // as in vision transformers

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter query; // [heads, C]
#pragma warning restore IDE1006

    /// <param name="network">Name of the network, for messages.</param>
    /// <param name="channels">Number of channels of the maps, or numbers of a token.</param>
    /// <param name="heads">Number of heads.</param>
    /// <exception cref="ArgumentException">The number of heads does not divide the number of channels.</exception>
    public AttentionPool(string network, int channels, int heads)
        : base(nameof(AttentionPool))
    {
        if (channels % heads != 0)
        {
            var divisors = Enumerable.Range(1, Math.Min(channels, 64)).Where(number => channels % number == 0);
            throw new ArgumentException(
                $"HeadPooling.Attention has {heads} heads, which share the {channels} channels of {network} equally: choose a divisor, "
                + $"such as {string.Join(", ", divisors)}.");
        }
        query = Parameters.Of(zeros(heads, channels, Parameters.Type));
        RegisterComponents();
    }

    private long Heads => query.shape[0];

    private long Channels => query.shape[1];

    /// <summary>Caller disposes the result; the input is left alone.</summary>
    public override Tensor forward(Tensor activations)
    {
        using var scope = NewDisposeScope();
        var tokens = TokensOf(activations);
        var weights = WeightsOf(tokens).unsqueeze(2); // [N, heads, 1, T]
        var values = tokens.reshape(tokens.shape[0], -1, Heads, Channels / Heads).transpose(1, 2); // [N, heads, T, C / heads]
        var pooled = weights.matmul(values); // [N, heads, 1, C / heads]
        MultiplyAddCounter.AddProduct(pooled, tokens.shape[1]);
        return pooled.reshape(-1, Channels).MoveToOuterDisposeScope();
    }

    /// <summary>The weights of the positions, averaged over the heads: [N, H * W] or [N, T]. Caller disposes the result.</summary>
    public Tensor Weights(Tensor activations)
    {
        using var scope = NewDisposeScope();
        return WeightsOf(TokensOf(activations)).mean([1]).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the operators of <see cref="forward"/>.</summary>
    /// <param name="graph">The graph to which they are added.</param>
    /// <param name="activations">[N, C, H, W], or [N, T, C].</param>
    /// <param name="areTokens">Whether they are tokens.</param>
    public GraphValue Write(NetworkGraph graph, GraphValue activations, bool areTokens)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var first = graph.Nodes.Count;
        var tokens = areTokens ? activations : graph.Transpose(graph.Reshape(activations, 0, Channels, -1), 0, 2, 1);
        var keys = graph.Add(
            "LayerNormalization", [tokens, graph.Constant("attn_pool.ones", ones(Channels, Parameters.Type)),
                graph.Constant("attn_pool.zeros", zeros(Channels, Parameters.Type))],
            ("axis", -1L), ("epsilon", (float)Epsilon));
        var scores = graph.Add("MatMul", [keys, graph.Constant("attn_pool.query", Scaled().t())]); // [N, T, heads]
        var weights = graph.Reshape(graph.Softmax(graph.Transpose(scores, 0, 2, 1)), 0, 0, 1, -1); // [N, heads, 1, T]
        var values = graph.Transpose(graph.Reshape(tokens, 0, 0, Heads, Channels / Heads), 0, 2, 1, 3); // [N, heads, T, C / heads]
        var pooled = graph.Reshape(graph.Add("MatMul", [weights, values]), 0, Channels);
        graph.KeepExact(first);
        return pooled;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            query.Dispose();
        base.Dispose(disposing);
    }

    // [N, T, C] -> [N, heads, T]
    private Tensor WeightsOf(Tensor tokens)
    {
        var keys = nn.functional.layer_norm(tokens, [Channels], null, null, Epsilon); // [N, T, C]
        var scores = nn.functional.linear(keys, Scaled()); // [N, T, heads]
        MultiplyAddCounter.Add(scores, query);
        return nn.functional.softmax(scores.transpose(1, 2), dim: -1);
    }

    private Tensor Scaled() => query.Div(Math.Sqrt(Channels));

    // [N, C, H, W] -> [N, H * W, C], which is a view of channels-last maps.
    private Tensor TokensOf(Tensor activations) => activations switch
    {
        { ndim: 4 } => activations.flatten(2).transpose(1, 2),
        { ndim: 3 } => activations,
        _ => throw new ArgumentException(
            $"HeadPooling.Attention pools maps [N, {Channels}, H, W] or tokens [N, T, {Channels}], and the last stage gives "
            + $"{SafeText.Shape(activations.shape)}: take HeadPooling.Native."),
    };
}
