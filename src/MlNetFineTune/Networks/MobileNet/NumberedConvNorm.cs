using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A convolution named <c>0</c> and its BatchNorm named <c>1</c>,
/// as they are called where torchvision keeps the two in a list.</summary>
internal sealed class NumberedConvNorm : nn.Module<Tensor, Tensor>
{
    public NumberedConvNorm(Conv2d conv, int channels, double epsilon, Activation activation)
        : base(nameof(NumberedConvNorm))
    {
        var norm = new BatchNorm2d(channels, epsilon);
        register_module("0", conv);
        register_module("1", norm);
        Pair = new ConvNorm(conv, norm, activation);
    }

    public ConvNorm Pair { get; }

    public override Tensor forward(Tensor input) => Pair.Forward(input);
}
