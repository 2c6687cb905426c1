using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Convolution, BatchNorm and activation as one step. The two modules keep their own positions and names in the network; this pair
/// joins them for folding, which frozen layers allow: with BatchNorm in inference mode, <c>gamma * (w x - mean) / sqrt(var + eps) +
/// beta</c> is the convolution <c>w' x + b'</c> with <c>w' = w * gamma / sqrt(var + eps)</c> and <c>b' = beta + (b - mean) * gamma /
/// sqrt(var + eps)</c>, b being the convolution's own bias if it has one (Jacob et al. 2018, section 3.2,
/// https://arxiv.org/abs/1712.05877): one pass over memory instead of two.
/// </summary>
internal sealed class ConvNorm(Conv2d conv, BatchNorm2d norm, Activation activation) : IDisposable
{
    private Tensor? _foldedWeight;
    private Tensor? _foldedBias;

    public Conv2d Conv => conv;

    public BatchNorm2d Norm => norm;

    public Tensor Forward(Tensor input)
    {
        Tensor output;
        if (_foldedWeight is not null)
        {
            output = conv.Apply(input, _foldedWeight, _foldedBias);
        }
        else
        {
            using var convolved = conv.forward(input);
            output = norm.forward(convolved);
        }

        return activation.ApplyInPlace(output);
    }

    /// <summary>Computes the folded weights from the present ones. Only right while this pair is frozen or scoring.</summary>
    public void Fold()
    {
        Unfold();
        using var scope = NewDisposeScope();
        var (weight, bias) = Folded();
        _foldedWeight = ChannelsLast.Of(weight).DetachFromDisposeScope();
        _foldedBias = bias.DetachFromDisposeScope();
    }

    /// <summary>One convolution, whatever is folded now.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        using var scope = NewDisposeScope();
        var (weight, bias) = Folded();
        return activation.Write(graph, conv.Write(graph, input, weight, bias));
    }

    // In a scope of the caller's.
    private (Tensor Weight, Tensor Bias) Folded()
    {
        using var _ = no_grad();
        // In double precision, so that folding costs one rounding, not three.
        var scale = norm.weight.to_type(ScalarType.Float64) / norm.running_var.to_type(ScalarType.Float64).Add(norm.Epsilon).sqrt();
        var full = conv.Adapter?.Sum() ?? conv.weight.to_type(ScalarType.Float64);
        var weight = (full * scale.view(-1, 1, 1, 1)).to_type(ScalarType.Float32);
        var shift = norm.running_mean.to_type(ScalarType.Float64);
        if (conv.bias is not null)
            shift -= conv.bias.to_type(ScalarType.Float64);
        return (weight, (norm.bias.to_type(ScalarType.Float64) - shift * scale).to_type(ScalarType.Float32));
    }

    public void Unfold()
    {
        _foldedWeight?.Dispose();
        _foldedBias?.Dispose();
        _foldedWeight = _foldedBias = null;
    }

    /// <summary>Whether BatchNorm is folded into this layer.</summary>
    public bool Holds(IAdaptable layer) => ReferenceEquals(layer, conv);

    public void Dispose() => Unfold();
}
