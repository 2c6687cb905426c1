using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>x W' + b over the last dimension; b can be absent. Its weights are left uninitialised, as
/// <see cref="Conv2d"/>'s are, for the same reason.</summary>
internal sealed class Linear : nn.Module<Tensor, Tensor>, IAdaptable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight; // [out, in]
    internal readonly Parameter? bias; // [out]
#pragma warning restore IDE1006

    public Linear(int inFeatures, int outFeatures, bool hasBias = true)
        : base(nameof(Linear))
    {
        weight = Parameters.Of(empty(outFeatures, inFeatures, Parameters.Type));
        bias = hasBias ? Parameters.Of(zeros(outFeatures, Parameters.Type)) : null;
        RegisterComponents();
    }

    Parameter IAdaptable.Weight => weight;

    public long Groups => 1;

    public LoraLayer? Adapter { get; set; }

    public override Tensor forward(Tensor input)
    {
        var output = nn.functional.linear(input, Adapter?.Merged ?? weight, bias);
        MultiplyAddCounter.Add(output, weight);
        return Adapter is { Merged: null }
            ? Adapter.AddBranch(output, input, (x, a) => nn.functional.linear(x, a), (x, b) => nn.functional.linear(x, b))
            : output;
    }

    /// <summary>Over the last dimension of as many as there are.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        var full = Adapter?.Sum() ?? weight.detach();
        var product = graph.Add("MatMul", [input, graph.Constant("weight", full.t())]);
        return bias is null ? product : graph.Sum(product, graph.Constant("bias", bias));
    }

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
