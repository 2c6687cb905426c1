using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>DenseNet's unit: BatchNorm, ReLU, 1x1 to four times the growth, BatchNorm, ReLU, 3x3;
/// the result is laid behind its input's channels.</summary>
internal sealed class DenseLayer : Block, IFoldable, IPrunable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly BatchNorm2d norm1;
    private readonly Conv2d conv1;
    private readonly BatchNorm2d norm2;
    private readonly Conv2d conv2;
#pragma warning restore IDE1006

    private readonly ConvNorm _squeeze;

    public DenseLayer(int inChannels, int growth, double epsilon)
        : base(nameof(DenseLayer))
    {
        norm1 = new BatchNorm2d(inChannels, epsilon);
        conv1 = new Conv2d(inChannels, 4 * growth, 1);
        norm2 = new BatchNorm2d(4 * growth, epsilon);
        conv2 = new Conv2d(4 * growth, growth, 3);
        _squeeze = new ConvNorm(conv1, norm2, Activation.ReLU);
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => [_squeeze];

    public IEnumerable<ChannelGroup> InnerChannels => [ChannelGroup.Of(_squeeze).Into(conv2)];

    public override Tensor forward(Tensor input)
    {
        using var normalised = Activation.ReLU.ApplyInPlace(norm1.forward(input));
        using var squeezed = _squeeze.Forward(normalised);
        using var added = conv2.forward(squeezed);
        return cat([input, added], dim: 1); // [N, C + growth, H, W]
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var squeezed = _squeeze.Write(graph, Activation.ReLU.Write(graph, norm1.Write(graph, input)));
        return graph.Concat(1, input, conv2.Write(graph, squeezed));
    }
}

/// <summary>The transition between two dense blocks: BatchNorm, ReLU, 1x1 to half the channels, averages of 2x2 pixels.</summary>
internal sealed class DenseTransition : Block
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly BatchNorm2d norm;
    private readonly Conv2d conv;
#pragma warning restore IDE1006

    public DenseTransition(int inChannels, int outChannels, double epsilon)
        : base(nameof(DenseTransition))
    {
        norm = new BatchNorm2d(inChannels, epsilon);
        conv = new Conv2d(inChannels, outChannels, 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var normalised = Activation.ReLU.ApplyInPlace(norm.forward(input));
        using var fewer = conv.forward(normalised);
        return nn.functional.avg_pool2d(fewer, 2, stride: 2);
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var fewer = conv.Write(graph, Activation.ReLU.Write(graph, norm.Write(graph, input)));
        return graph.Add("AveragePool", [fewer], ("kernel_shape", (long[])[2, 2]), ("strides", (long[])[2, 2]));
    }
}
