using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Depthwise convolution with activation, perhaps squeeze and excitation, then a pointwise convolution: MobileNetV1's unit, and the first
/// of its successors, which leave the output linear. With timm's names.
/// </summary>
internal sealed class SeparableConv : Block, IFoldable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_dw;
    private readonly BatchNorm2d bn1;
    private readonly SqueezeExcitation? se;
    private readonly Conv2d conv_pw;
    private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006

    private readonly ConvNorm _depthwise;
    private readonly ConvNorm _pointwise;
    private readonly bool _residual;

    public SeparableConv(int inChannels, int outChannels, int stride, MobileUnitStyle style, Activation outputActivation, bool residual)
        : base(nameof(SeparableConv))
    {
        conv_dw = new Conv2d(inChannels, inChannels, style.Kernel, stride, groups: inChannels, style.Padding);
        bn1 = new BatchNorm2d(inChannels, style.Epsilon);
        se = style.Gate?.Invoke(inChannels);
        conv_pw = new Conv2d(inChannels, outChannels, 1);
        bn2 = new BatchNorm2d(outChannels, style.Epsilon);
        _depthwise = new ConvNorm(conv_dw, bn1, style.Activation);
        _pointwise = new ConvNorm(conv_pw, bn2, outputActivation);
        _residual = residual && stride == 1 && inChannels == outChannels;
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => [_depthwise, _pointwise];

    /// <summary>Channels that leave the block.</summary>
    public ChannelGroup Leaving => ChannelGroup.Of(_pointwise);

    /// <summary>Adds what the block does to channels that enter it and go nowhere else.</summary>
    public ChannelGroup Take(ChannelGroup entering) => entering.Through(_depthwise).Through(se).Into(conv_pw);

    public override Tensor forward(Tensor input)
    {
        var filtered = _depthwise.Forward(input);
        using var gated = se?.ApplyInPlace(filtered) ?? filtered;
        var output = _pointwise.Forward(gated);
        return _residual ? output.Add_(input) : output;
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var filtered = _depthwise.Write(graph, input);
        var output = _pointwise.Write(graph, se?.Write(graph, filtered) ?? filtered);
        return _residual ? graph.Sum(output, input) : output;
    }
}
