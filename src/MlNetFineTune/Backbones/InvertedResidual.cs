using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>MobileNetV2's unit: expand 1x1, depthwise 3x3, project 1x1 without activation; added to the input where shapes allow.</summary>
internal sealed class InvertedResidual : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_pw;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv_dw;
    private readonly BatchNorm2d bn2;
    private readonly Conv2d conv_pwl;
    private readonly BatchNorm2d bn3;
#pragma warning restore IDE1006

    private readonly ConvNorm _expand;
    private readonly ConvNorm _depthwise;
    private readonly ConvNorm _project;
    private readonly bool _residual;

    public InvertedResidual(int inChannels, int outChannels, int stride, int expansion, ConvolutionPadding padding, double epsilon)
        : base(nameof(InvertedResidual))
    {
        var wide = inChannels * expansion;
        conv_pw = new Conv2d(inChannels, wide, 1);
        bn1 = new BatchNorm2d(wide, epsilon);
        conv_dw = new Conv2d(wide, wide, 3, stride, groups: wide, padding);
        bn2 = new BatchNorm2d(wide, epsilon);
        conv_pwl = new Conv2d(wide, outChannels, 1);
        bn3 = new BatchNorm2d(outChannels, epsilon);
        _expand = new ConvNorm(conv_pw, bn1, Activation.ReLU6);
        _depthwise = new ConvNorm(conv_dw, bn2, Activation.ReLU6);
        _project = new ConvNorm(conv_pwl, bn3, Activation.None);
        _residual = stride == 1 && inChannels == outChannels;
        RegisterComponents();
    }

    public override IEnumerable<ConvNorm> Pairs => [_expand, _depthwise, _project];

    public override Tensor forward(Tensor input)
    {
        var output = Chain(input, _expand, _depthwise, _project);
        return _residual ? output.add_(input) : output;
    }
}
