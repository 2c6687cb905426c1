using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Scales each channel by a gate computed from the averages of all channels (Hu et al. 2017, section 3, https://arxiv.org/abs/1709.01507):
/// average, 1x1 convolution to fewer channels, activation, 1x1 convolution back, gate.
/// </summary>
internal sealed class SqueezeExcitation : nn.Module
{
    private readonly Conv2d _reduce;
    private readonly Conv2d _expand;
    private readonly Activation _activation;
    private readonly Activation _gate;

    /// <param name="channels">Channels of the maps.</param>
    /// <param name="squeezed">Channels between the two convolutions.</param>
    /// <param name="activation">Activation between the two convolutions.</param>
    /// <param name="gate">Activation of the gate: <see cref="Activation.Sigmoid"/> or <see cref="Activation.Hardsigmoid"/>.</param>
    /// <param name="reduceName">Name of the first convolution in weight files: timm's, torchvision's is <c>fc1</c>.</param>
    /// <param name="expandName">Name of the second: timm's, torchvision's is <c>fc2</c>.</param>
    public SqueezeExcitation(int channels, int squeezed, Activation activation, Activation gate, string reduceName = "conv_reduce",
        string expandName = "conv_expand")
        : base(nameof(SqueezeExcitation))
    {
        (_activation, _gate) = (activation, gate);
        _reduce = new Conv2d(channels, squeezed, 1, bias: true);
        _expand = new Conv2d(squeezed, channels, 1, bias: true);
        register_module(reduceName, _reduce);
        register_module(expandName, _expand);
    }

    // Called by the base class: it would register the fields a second time, under their own names.
    protected override void RegisterComponents()
    {
    }

    /// <summary>Leaves these of the maps' channels; those between the convolutions stay.</summary>
    public void Keep(Tensor channels)
    {
        _reduce.KeepEntering(channels);
        _expand.KeepLeaving(channels);
    }

    /// <summary>Takes ownership of its input, which is overwritten where no gradient needs it.
    /// Caller disposes the result.</summary>
    public Tensor ApplyInPlace(Tensor maps)
    {
        using var means = maps.mean([2, 3], keepdim: true); // [N, C, 1, 1]
        using var squeezed = _activation.ApplyInPlace(_reduce.forward(means));
        using var gates = _gate.ApplyInPlace(_expand.forward(squeezed));
        if (!is_grad_enabled() || !gates.requires_grad)
            return maps.mul_(gates);
        using (maps) // the graph keeps its memory
            return maps.mul(gates);
    }

    public GraphValue Write(NetworkGraph graph, GraphValue maps)
    {
        var squeezed = _activation.Write(graph, _reduce.Write(graph, graph.Average(maps)));
        return graph.Product(maps, _gate.Write(graph, _expand.Write(graph, squeezed)));
    }
}
