using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The residual block of the deeper networks: 1x1 to fewer channels, 3x3 (in groups in ResNeXt), 1x1 to four times the 64, 128, 256 or 512
/// of its layer, around a shortcut (He et al. 2015, section 4.1). The 3x3 convolution has the stride, as in torchvision and timm ("ResNet
/// v1.5"); in the paper the first has it.
/// </summary>
internal sealed class Bottleneck : Block, IFoldable, IPrunable
{
    public const int Expansion = 4;

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly NumberedConvNorm? downsample;
#pragma warning restore IDE1006

    private readonly ConvNorm _reduce;
    private readonly ConvNorm _spatial;
    private readonly ConvNorm _expand;

    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="stride">Stride of the 3x3 convolution and the shortcut.</param>
    /// <param name="groups">Groups of the 3x3 convolution: the cardinality of Xie et al. 2016 (https://arxiv.org/abs/1611.05431).</param>
    /// <param name="groupWidth">Channels of each group in the first layer, whose blocks give out 256: 64 in a plain ResNet.</param>
    /// <param name="epsilon">Epsilon of BatchNorm.</param>
    public Bottleneck(int inChannels, int outChannels, int stride, int groups, int groupWidth, double epsilon)
        : base(nameof(Bottleneck))
    {
        var width = outChannels / Expansion * groupWidth / 64 * groups;
        conv1 = new Conv2d(inChannels, width, 1);
        bn1 = new BatchNorm2d(width, epsilon);
        conv2 = new Conv2d(width, width, 3, stride, groups);
        bn2 = new BatchNorm2d(width, epsilon);
        conv3 = new Conv2d(width, outChannels, 1);
        bn3 = new BatchNorm2d(outChannels, epsilon);
        _reduce = new ConvNorm(conv1, bn1, Activation.ReLU);
        _spatial = new ConvNorm(conv2, bn2, Activation.ReLU);
        _expand = new ConvNorm(conv3, bn3, Activation.None);
        if (stride != 1 || inChannels != outChannels)
            downsample = new NumberedConvNorm(new Conv2d(inChannels, outChannels, 1, stride), outChannels, epsilon, Activation.None);
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => downsample is null ? [_reduce, _spatial, _expand]
        : [_reduce, _spatial, _expand, downsample.Pair];

    // In grouped convolutions a channel would have to be removed from all groups at once.
    public IEnumerable<ChannelGroup> InnerChannels => conv2.Groups == 1
        ? [ChannelGroup.Of(_reduce).Into(conv2), ChannelGroup.Of(_spatial).Into(conv3)]
        : [];

    public override Tensor forward(Tensor input)
    {
        var branch = Chain(input, _reduce, _spatial, _expand);
        using var shortcut = downsample?.forward(input);
        return Activation.ReLU.ApplyInPlace(branch.Add_(shortcut ?? input));
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var branch = WriteChain(graph, input, _reduce, _spatial, _expand);
        return Activation.ReLU.Write(graph, graph.Sum(branch, downsample?.Pair.Write(graph, input) ?? input));
    }
}
