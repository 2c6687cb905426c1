using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>SqueezeNet's unit: 1x1 convolutions squeeze the channels, then 1x1 and 3x3 ones expand them side by side.</summary>
internal sealed class Fire : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d squeeze;
    private readonly Conv2d expand1x1;
    private readonly Conv2d expand3x3;
#pragma warning restore IDE1006

    public Fire(int inChannels, int squeezed, int expanded)
        : base(nameof(Fire))
    {
        squeeze = new Conv2d(inChannels, squeezed, 1, bias: true);
        expand1x1 = new Conv2d(squeezed, expanded, 1, bias: true);
        expand3x3 = new Conv2d(squeezed, expanded, 3, bias: true);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var squeezed = Activation.ReLU.ApplyInPlace(squeeze.forward(input));
        using var ones = expand1x1.forward(squeezed);
        using var threes = expand3x3.forward(squeezed);
        return Activation.ReLU.ApplyInPlace(cat([ones, threes], dim: 1)); // [N, 2 * expanded, H, W]
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var squeezed = Activation.ReLU.Write(graph, squeeze.Write(graph, input));
        return Activation.ReLU.Write(graph, graph.Concat(1, expand1x1.Write(graph, squeezed), expand3x3.Write(graph, squeezed)));
    }
}
