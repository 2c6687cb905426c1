using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>One linear layer from pooled features to class scores (logits): [N, features] -> [N, classes].</summary>
internal sealed class ClassificationHead : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight;
    internal readonly Parameter bias;
#pragma warning restore IDE1006

    public ClassificationHead(int features, int classes)
        : base(nameof(ClassificationHead))
    {
        weight = Parameters.Of(empty(classes, features, Parameters.Type));
        bias = Parameters.Of(empty(classes, Parameters.Type));
        RegisterComponents();
    }

    public override Tensor forward(Tensor features) => nn.functional.linear(features, weight, bias);

    public GraphValue Write(NetworkGraph graph, GraphValue features) =>
        graph.Add("Gemm", [features, graph.Constant("head.weight", weight), graph.Constant("head.bias", bias)], ("transB", 1L));

    /// <summary>PyTorch's default for linear layers: uniform within 1 / sqrt(features).</summary>
    public void Initialize(long seed)
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
