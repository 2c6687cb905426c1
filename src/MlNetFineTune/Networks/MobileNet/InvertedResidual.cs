using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The unit of MobileNetV2 and its successors: expand 1x1, depthwise, perhaps squeeze and excitation, project 1x1 without activation; added
/// to the input where shapes allow. With timm's names.
/// </summary>
internal sealed class InvertedResidual : Block, IFoldable, IPrunable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_pw;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv_dw;
    private readonly BatchNorm2d bn2;
    private readonly SqueezeExcitation? se;
    private readonly Conv2d conv_pwl;
    private readonly BatchNorm2d bn3;
#pragma warning restore IDE1006

    private readonly ConvNorm _expand;
    private readonly ConvNorm _depthwise;
    private readonly ConvNorm _project;
    private readonly bool _residual;

    public InvertedResidual(int inChannels, int wideChannels, int outChannels, int stride, MobileUnitStyle style)
        : base(nameof(InvertedResidual))
    {
        conv_pw = new Conv2d(inChannels, wideChannels, 1);
        bn1 = new BatchNorm2d(wideChannels, style.Epsilon);
        conv_dw = new Conv2d(wideChannels, wideChannels, style.Kernel, stride, groups: wideChannels, style.Padding);
        bn2 = new BatchNorm2d(wideChannels, style.Epsilon);
        se = style.Gate?.Invoke(wideChannels);
        conv_pwl = new Conv2d(wideChannels, outChannels, 1);
        bn3 = new BatchNorm2d(outChannels, style.Epsilon);
        _expand = new ConvNorm(conv_pw, bn1, style.Activation);
        _depthwise = new ConvNorm(conv_dw, bn2, style.Activation);
        _project = new ConvNorm(conv_pwl, bn3, Activation.None);
        _residual = stride == 1 && inChannels == outChannels;
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => [_expand, _depthwise, _project];

    public IEnumerable<ChannelGroup> InnerChannels => [ChannelGroup.Of(_expand).Through(_depthwise).Through(se).Into(conv_pwl)];

    public override Tensor forward(Tensor input)
    {
        var wide = Chain(input, _expand, _depthwise);
        using var gated = se?.ApplyInPlace(wide) ?? wide;
        var output = _project.Forward(gated);
        return _residual ? output.Add_(input) : output;
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var wide = WriteChain(graph, input, _expand, _depthwise);
        var output = _project.Write(graph, se?.Write(graph, wide) ?? wide);
        return _residual ? graph.Sum(output, input) : output;
    }
}
