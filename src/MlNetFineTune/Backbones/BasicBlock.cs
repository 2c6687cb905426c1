using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>Two 3x3 convolutions around a shortcut; the shortcut is projected (1x1) where the shape changes.</summary>
internal sealed class BasicBlock : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly ModuleList<nn.Module<Tensor, Tensor>>? downsample;
#pragma warning restore IDE1006

    private readonly ConvNorm _first;
    private readonly ConvNorm _second;
    private readonly ConvNorm? _shortcut;

    public BasicBlock(int inChannels, int outChannels, int stride, double epsilon)
        : base(nameof(BasicBlock))
    {
        conv1 = new Conv2d(inChannels, outChannels, 3, stride);
        bn1 = new BatchNorm2d(outChannels, epsilon);
        conv2 = new Conv2d(outChannels, outChannels, 3);
        bn2 = new BatchNorm2d(outChannels, epsilon);
        _first = new ConvNorm(conv1, bn1, Activation.ReLU);
        _second = new ConvNorm(conv2, bn2, Activation.None);
        if (stride != 1 || inChannels != outChannels)
        {
            var projection = new Conv2d(inChannels, outChannels, 1, stride);
            var norm = new BatchNorm2d(outChannels, epsilon);
            downsample = [projection, norm];
            _shortcut = new ConvNorm(projection, norm, Activation.None);
        }
        RegisterComponents();
    }

    public override IEnumerable<ConvNorm> Pairs => _shortcut is null ? [_first, _second] : [_first, _second, _shortcut];

    public override Tensor forward(Tensor input)
    {
        var sum = Chain(input, _first, _second);
        if (_shortcut is null)
        {
            sum = sum.add_(input);
        }
        else
        {
            using var shortcut = _shortcut.Forward(input);
            sum = sum.add_(shortcut);
        }
        return Activation.ReLU.ApplyInPlace(sum);
    }
}
