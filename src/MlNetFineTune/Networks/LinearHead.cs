using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>One linear layer from pooled features to outputs (logits, numbers): [N, features] -> [N, outputs].</summary>
internal sealed class LinearHead : NetworkHead
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight;
    internal readonly Parameter bias;
#pragma warning restore IDE1006

    public LinearHead(int features, int outputs)
        : base(nameof(LinearHead))
    {
        weight = Parameters.Of(empty(outputs, features, Parameters.Type));
        bias = Parameters.Of(empty(outputs, Parameters.Type));
        RegisterComponents();
    }

    public override int Outputs => (int)weight.shape[0];

    public override Tensor forward(Tensor features) => nn.functional.linear(features, weight, bias);

    public override GraphValue Write(NetworkGraph graph, GraphValue features) =>
        graph.Add("Gemm", [features, graph.Constant("head.weight", weight), graph.Constant("head.bias", bias)], ("transB", 1L));

    /// <summary>PyTorch's default for linear layers: uniform within 1 / sqrt(features).</summary>
    public override void Initialize(long seed)
    {
        var bound = 1 / Math.Sqrt(weight.shape[1]);
        WeightInitialization.FillUniform(weight, bound, seed, RandomStream.WeightsOf("head.weight"));
        WeightInitialization.FillUniform(bias, bound, seed, RandomStream.WeightsOf("head.bias"));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            bias.Dispose();
        }
        base.Dispose(disposing);
    }
}
