using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>What a residual block adds where the shape changes (He et al. 2015, section 3.3; elsewhere it adds its input).</summary>
internal enum ShortcutOption
{
    /// <summary>Option A: every other pixel, and zeros for the new channels, half of them before and half behind. No parameters.</summary>
    ZeroPadding,

    /// <summary>Option B: a 1x1 convolution with BatchNorm, <c>downsample</c>.</summary>
    Projection,
}

/// <summary>Two 3x3 convolutions around a shortcut.</summary>
internal sealed class BasicBlock : Block, IFoldable, IPrunable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly NumberedConvNorm? downsample;
#pragma warning restore IDE1006

    private readonly ConvNorm _first;
    private readonly ConvNorm _second;
    private readonly int _stride;
    private readonly int _newChannels;

    public BasicBlock(int inChannels, int outChannels, int stride, double epsilon, ShortcutOption option = ShortcutOption.Projection)
        : base(nameof(BasicBlock))
    {
        conv1 = new Conv2d(inChannels, outChannels, 3, stride);
        bn1 = new BatchNorm2d(outChannels, epsilon);
        conv2 = new Conv2d(outChannels, outChannels, 3);
        bn2 = new BatchNorm2d(outChannels, epsilon);
        _first = new ConvNorm(conv1, bn1, Activation.ReLU);
        _second = new ConvNorm(conv2, bn2, Activation.None);
        (_stride, _newChannels) = (stride, outChannels - inChannels);
        if (option == ShortcutOption.Projection && ChangesShape)
            downsample = new NumberedConvNorm(new Conv2d(inChannels, outChannels, 1, stride), outChannels, epsilon, Activation.None);
        RegisterComponents();
    }

    public IEnumerable<ConvNorm> Pairs => downsample is null ? [_first, _second] : [_first, _second, downsample.Pair];

    public IEnumerable<ChannelGroup> InnerChannels => [ChannelGroup.Of(_first).Into(conv2)];

    private bool ChangesShape => _stride != 1 || _newChannels != 0;

    public override Tensor forward(Tensor input)
    {
        var branch = Chain(input, _first, _second);
        using var shortcut = downsample?.forward(input) ?? (ChangesShape ? ZeroPadded(input) : null);
        return Activation.ReLU.ApplyInPlace(branch.Add_(shortcut ?? input));
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var branch = WriteChain(graph, input, _first, _second);
        var shortcut = downsample?.Pair.Write(graph, input) ?? (ChangesShape ? WriteZeroPadded(graph, input) : input);
        return Activation.ReLU.Write(graph, graph.Sum(branch, shortcut));
    }

    // [N, C, H, W] -> [N, C', ceil(H / stride), ceil(W / stride)]
    private Tensor ZeroPadded(Tensor input)
    {
        using var rows = input.slice(2, 0, input.shape[2], _stride);
        using var strided = rows.slice(3, 0, input.shape[3], _stride);
        return nn.functional.pad(strided, [0, 0, 0, 0, _newChannels / 2, _newChannels - _newChannels / 2]);
    }

    private GraphValue WriteZeroPadded(NetworkGraph graph, GraphValue input)
    {
        var strided = graph.Slice(graph.Slice(input, axis: 2, 0, long.MaxValue, _stride), axis: 3, 0, long.MaxValue, _stride);
        return graph.Add("Pad", [strided, graph.Constant("pads", 0, _newChannels / 2, 0, 0, 0, _newChannels - _newChannels / 2, 0, 0)]);
    }
}
