using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>RegNetY's block: 1x1, 3x3 in groups, a gate for each channel, 1x1, around a shortcut; all of one width.</summary>
internal sealed class RegNetBlock : Block, IFoldable
{
    private readonly NumberedConvNorm? _projection;
    private readonly NumberedConvNorm _first;
    private readonly NumberedConvNorm _spatial;
    private readonly SqueezeExcitation _gate;
    private readonly NumberedConvNorm _last;

    public RegNetBlock(int inChannels, int outChannels, int stride, int groupWidth, double epsilon)
        : base(nameof(RegNetBlock))
    {
        var parts = new NamedModules("f");
        _first = parts.Add("a", new NumberedConvNorm(new Conv2d(inChannels, outChannels, 1), outChannels, epsilon, Activation.ReLU));
        _spatial =
            parts.Add(
                "b", new NumberedConvNorm(new Conv2d(outChannels, outChannels, 3, stride, groups: outChannels / groupWidth), outChannels,
                epsilon, Activation.ReLU));
        // A quarter of the channels that enter the block; half to even, as Python rounds.
        var squeezed = (int)Math.Round(inChannels / 4.0, MidpointRounding.ToEven);
        _gate = parts.Add("se", new SqueezeExcitation(outChannels, squeezed, Activation.ReLU, Activation.Sigmoid, "fc1", "fc2"));
        _last = parts.Add("c", new NumberedConvNorm(new Conv2d(outChannels, outChannels, 1), outChannels, epsilon, Activation.None));
        if (stride != 1 || inChannels != outChannels)
        {
            _projection = new NumberedConvNorm(new Conv2d(inChannels, outChannels, 1, stride), outChannels, epsilon, Activation.None);
            register_module("proj", _projection);
        }

        // Registered by name, because RegisterComponents would use the fields' names.
        register_module("f", parts);
    }

    public IEnumerable<ConvNorm> Pairs =>
        _projection is null ? [_first.Pair, _spatial.Pair, _last.Pair] : [_projection.Pair, _first.Pair, _spatial.Pair, _last.Pair];

    public override Tensor forward(Tensor input)
    {
        using var gated = _gate.ApplyInPlace(Chain(input, _first.Pair, _spatial.Pair));
        var branch = _last.Pair.Forward(gated);
        using var shortcut = _projection?.forward(input);
        return Activation.ReLU.ApplyInPlace(branch.Add_(shortcut ?? input));
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        var branch = _last.Pair.Write(graph, _gate.Write(graph, WriteChain(graph, input, _first.Pair, _spatial.Pair)));
        return Activation.ReLU.Write(graph, graph.Sum(branch, _projection?.Pair.Write(graph, input) ?? input));
    }
}
