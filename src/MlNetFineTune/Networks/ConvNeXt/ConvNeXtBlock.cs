using MlNetFineTune.MlNet;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// ConvNeXt's unit (Liu et al. 2022, section 2.5): depthwise 7x7 convolution, LayerNorm, then a perceptron of four times the width at each
/// pixel; scaled per channel and added to the input. In channels-last layout no data are copied for the permutations.
/// </summary>
internal sealed class ConvNeXtBlock : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_dw;
    private readonly LayerNorm norm;
    private readonly Mlp mlp;
    private readonly Parameter gamma; // [C]
#pragma warning restore IDE1006

    public ConvNeXtBlock(int channels, double epsilon)
        : base(nameof(ConvNeXtBlock))
    {
        conv_dw = new Conv2d(channels, channels, 7, groups: channels, bias: true);
        norm = new LayerNorm(channels, epsilon);
        mlp = new Mlp(channels, 4 * channels);
        gamma = Parameters.Of(Scalars.Full(channels, 1e-6)); // "Layer Scale" of the paper's training
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var filtered = conv_dw.forward(input);
        using var pixels = filtered.permute(0, 2, 3, 1); // [N, H, W, C]
        using var normalized = norm.forward(pixels);
        using var branch = mlp.forward(normalized);
        using var shortcut = input.permute(0, 2, 3, 1);
        using var sum = shortcut.Addcmul(branch, gamma, 1);
        return sum.permute(0, 3, 1, 2);
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var pixels = graph.Transpose(conv_dw.Write(graph, input), 0, 2, 3, 1); // [N, H, W, C]
        var branch = graph.Product(mlp.Write(graph, norm.Write(graph, pixels)), graph.Constant("gamma", gamma));
        return graph.Sum(input, graph.Transpose(branch, 0, 3, 1, 2));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            gamma.Dispose();
        base.Dispose(disposing);
    }
}
