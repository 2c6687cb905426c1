using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>Normalises each vector of the last dimension to mean 0 and variance 1, then scales and shifts it (Ba et al.
/// 2016, https://arxiv.org/abs/1607.06450).</summary>
internal sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight;
    internal readonly Parameter? bias;
#pragma warning restore IDE1006

    private readonly long[] _shape;
    private readonly double _epsilon;

    /// <param name="channels">Length of the vectors.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="hasBias">Whether it also shifts.</param>
    public LayerNorm(int channels, double epsilon, bool hasBias = true)
        : base(nameof(LayerNorm))
    {
        weight = Parameters.Of(ones(channels, Parameters.Type));
        bias = hasBias ? Parameters.Of(zeros(channels, Parameters.Type)) : null;
        (_shape, _epsilon) = ([channels], epsilon);
        RegisterComponents();
    }

    /// <summary>[..., C] -> [..., C].</summary>
    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, _shape, weight, bias, _epsilon);

    /// <summary>Normalises the channels of each pixel, [N, C, H, W] -> [N, C, H, W].
    /// In channels-last layout they lie side by side, and nothing is copied.</summary>
    public Tensor OfMaps(Tensor maps)
    {
        using var last = maps.permute(0, 2, 3, 1);
        using var normalized = forward(last);
        return normalized.permute(0, 3, 1, 2);
    }

    public GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        GraphValue[] inputs = [input, graph.Constant("weight", weight)];
        return graph.Add(
            "LayerNormalization", bias is null ? inputs : [.. inputs, graph.Constant("bias", bias)], ("axis", -1L),
            ("epsilon", (float)_epsilon));
    }

    /// <summary><see cref="OfMaps"/>.</summary>
    public GraphValue WriteOfMaps(NetworkGraph graph, GraphValue maps) =>
        graph.Transpose(Write(graph, graph.Transpose(maps, 0, 2, 3, 1)), 0, 3, 1, 2);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            bias?.Dispose();
        }
        base.Dispose(disposing);
    }
}
