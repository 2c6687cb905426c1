using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>1x1 convolution, BatchNorm and activation as a block of their own, with timm's names.</summary>
internal sealed class PointwiseConv : Block, IFoldable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn1;
#pragma warning restore IDE1006

    private readonly ConvNorm _pair;

    public PointwiseConv(int inChannels, int outChannels, double epsilon, Activation activation)
        : base(nameof(PointwiseConv))
    {
        conv = new Conv2d(inChannels, outChannels, 1);
        bn1 = new BatchNorm2d(outChannels, epsilon);
        _pair = new ConvNorm(conv, bn1, activation);
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => [_pair];

    public override Tensor forward(Tensor input) => _pair.Forward(input);

    public override GraphValue Write(NetworkGraph graph, GraphValue input) => _pair.Write(graph, input);
}
