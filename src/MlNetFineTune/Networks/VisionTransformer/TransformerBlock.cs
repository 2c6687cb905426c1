using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A layer of a vision transformer, [N, T, C] -> [N, T, C]: attention, then a perceptron, each behind a LayerNorm and added to its input;
/// in DINOv2 scaled per channel before (Touvron et al. 2021, "LayerScale", https://arxiv.org/abs/2103.17239).
/// </summary>
internal sealed class TransformerBlock : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly LayerNorm norm1;
    private readonly Attention attn;
    private readonly LayerScale? ls1;
    private readonly LayerNorm norm2;
    private readonly Mlp mlp;
    private readonly LayerScale? ls2;
#pragma warning restore IDE1006

    public TransformerBlock(int channels, int heads, bool scales, double epsilon)
        : base(nameof(TransformerBlock))
    {
        norm1 = new LayerNorm(channels, epsilon);
        attn = new Attention(channels, heads);
        ls1 = scales ? new LayerScale(channels) : null;
        norm2 = new LayerNorm(channels, epsilon);
        mlp = new Mlp(channels, 4 * channels);
        ls2 = scales ? new LayerScale(channels) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var attended = Add(input, norm1, attn, ls1);
        return Add(attended, norm2, mlp, ls2);
    }

    /// <summary>The attention weights of the block, averaged over the heads: [N, T, C] -> [N, T, T]. Caller disposes.</summary>
    public Tensor AttentionOf(Tensor input)
    {
        using var normalized = norm1.forward(input);
        return attn.Weights(normalized);
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var attended = Sum(input, attn.Write(graph, norm1.Write(graph, input)), ls1);
        return Sum(attended, mlp.Write(graph, norm2.Write(graph, attended)), ls2);

        GraphValue Sum(GraphValue shortcut, GraphValue branch, LayerScale? scale) =>
            graph.Sum(shortcut, scale is null ? branch : graph.Product(branch, graph.Constant("gamma", scale.gamma)));
    }

    private static Tensor Add(Tensor input, LayerNorm norm, nn.Module<Tensor, Tensor> layer, LayerScale? scale)
    {
        using var normalized = norm.forward(input);
        var branch = layer.forward(normalized);
        if (scale is null)
            return branch.Add_(input); // the backward pass of a linear layer does not need its output
        using (branch)
            return input.Addcmul(branch, scale.gamma, 1);
    }
}

/// <summary>One factor a channel.</summary>
internal sealed class LayerScale : nn.Module
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter gamma; // [C]
#pragma warning restore IDE1006

    public LayerScale(int channels)
        : base(nameof(LayerScale))
    {
        gamma = Parameters.Of(Scalars.Full(channels, 1e-5)); // DINOv2's
        RegisterComponents();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            gamma.Dispose();
        base.Dispose(disposing);
    }
}
