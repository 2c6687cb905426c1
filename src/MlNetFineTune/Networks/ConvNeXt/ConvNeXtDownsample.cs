using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Downsampling between ConvNeXt's stages: LayerNorm, then a 2x2 convolution of stride 2.</summary>
internal sealed class ConvNeXtDownsample : Block
{
    private readonly LayerNorm _norm;
    private readonly Conv2d _conv;

    public ConvNeXtDownsample(int inChannels, int outChannels, double epsilon)
        : base(nameof(ConvNeXtDownsample))
    {
        register_module("0", _norm = new LayerNorm(inChannels, epsilon));
        register_module("1", _conv = new Conv2d(inChannels, outChannels, 2, stride: 2, border: 0, bias: true));
    }

    // Called by the base class: it would register the fields a second time, under their own names.
    protected override void RegisterComponents()
    {
    }

    public override Tensor forward(Tensor input)
    {
        using var normalized = _norm.OfMaps(input);
        return _conv.forward(normalized);
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input) => _conv.Write(graph, _norm.WriteOfMaps(graph, input));
}
