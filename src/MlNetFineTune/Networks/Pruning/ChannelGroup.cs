using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Channels with all the layers that involve them: the filters that produce them, the layers that act on each channel alone (BatchNorm,
/// depthwise convolutions, gates), and the weights that read them; a dependency group of Fang et al. 2023
/// (https://arxiv.org/abs/2301.12900). Each can be removed without an effect elsewhere, unlike a term of a residual sum.
/// </summary>
internal sealed class ChannelGroup
{
    private readonly List<Conv2d> _filters = [];
    private readonly List<BatchNorm2d> _norms = [];
    private readonly List<Action<Tensor>> _readers = [];

    private ChannelGroup(ConvNorm maker) => Through(maker);

    /// <summary>The convolution that makes them, by whose name they are called.</summary>
    public Conv2d Maker => _filters[0];

    public int Width => checked((int)Maker.weight.size(0));

    public static ChannelGroup Of(ConvNorm maker) => new(maker);

    /// <summary>A convolution that sees each of them alone.</summary>
    public ChannelGroup Through(ConvNorm depthwise)
    {
        _filters.Add(depthwise.Conv);
        _norms.Add(depthwise.Norm);
        return this;
    }

    public ChannelGroup Through(SqueezeExcitation? gate)
    {
        if (gate is not null)
            _readers.Add(gate.Keep);
        return this;
    }

    public ChannelGroup Into(Conv2d reader)
    {
        _readers.Add(reader.KeepEntering);
        return this;
    }

    /// <summary>What each channel is worth. In double precision, so that what is equal in the weights is equal here.</summary>
    public double[] Norms(Backbone.PruningNorm norm)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        // [C, numbers of each]
        Tensor[] weights = norm == Backbone.PruningNorm.Filter ? [Maker.weight.flatten(1)]
            : [.. _norms.Select(batchNorm => batchNorm.weight.unsqueeze(1))];
        return cat(weights, dim: 1).to_type(ScalarType.Float64).abs().sum(1).cpu().data<double>().ToArray();
    }

    /// <summary>Leaves these, in this order, and forgets the others everywhere.</summary>
    public void Keep(long[] channels)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var kept = tensor(channels, device: Maker.weight.device);
        foreach (var conv in _filters)
            conv.KeepLeaving(kept);
        foreach (var norm in _norms)
            norm.Keep(kept);
        foreach (var keep in _readers)
            keep(kept);
    }

    /// <summary>Keeps only these channels of a tensor, in place. The memory of the others is freed.</summary>
    public static void Keep(Tensor tensor, int dimension, Tensor channels)
    {
        using var kept = tensor.index_select(dimension, channels);
        tensor.set_(kept);
    }
}
