using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>Depthwise 3x3 convolution with ReLU6, then a pointwise one: MobileNetV1's unit, and MobileNetV2's first block (which leaves the output linear).</summary>
internal sealed class SeparableConv : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv_dw;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv_pw;
    private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006

    private readonly ConvNorm _depthwise;
    private readonly ConvNorm _pointwise;
    private readonly bool _residual;

    public SeparableConv(int inChannels, int outChannels, int stride, ConvolutionPadding padding, double epsilon, Activation outputActivation, bool residual)
        : base(nameof(SeparableConv))
    {
        conv_dw = new Conv2d(inChannels, inChannels, 3, stride, groups: inChannels, padding);
        bn1 = new BatchNorm2d(inChannels, epsilon);
        conv_pw = new Conv2d(inChannels, outChannels, 1);
        bn2 = new BatchNorm2d(outChannels, epsilon);
        _depthwise = new ConvNorm(conv_dw, bn1, Activation.ReLU6);
        _pointwise = new ConvNorm(conv_pw, bn2, outputActivation);
        _residual = residual && stride == 1 && inChannels == outChannels;
        RegisterComponents();
    }

    public override IEnumerable<ConvNorm> Pairs => [_depthwise, _pointwise];

    public override Tensor forward(Tensor input)
    {
        var output = Chain(input, _depthwise, _pointwise);
        return _residual ? output.add_(input) : output;
    }
}
