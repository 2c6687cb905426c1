using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A Linear or Conv2d of TorchSharp within a user's module. The module calls its own layers, so the adapter stands in a forward hook of the
/// layer, which adds the branch to what the layer gave. Where the sum is made, the layer's own tensor holds it, and the hook does nothing.
/// </summary>
internal sealed class TorchLayer : IAdaptable
{
    private readonly nn.Module<Tensor, Tensor> _layer;
    private readonly Func<Parameter> _weight;
    private readonly Func<Tensor, Tensor, Tensor> _down;
    private readonly Func<Tensor, Tensor, Tensor> _up;
    private Tensor? _original;
    private LoraLayer? _adapter;

    private TorchLayer(
        nn.Module<Tensor, Tensor> layer, Func<Parameter> weight, long groups, Func<Tensor, Tensor, Tensor> down,
        Func<Tensor, Tensor, Tensor> up)
    {
        (_layer, _weight, Groups, _down, _up) = (layer, weight, groups, down, up);
    }

    public Parameter Weight => _weight();

    public Tensor Original => _original ?? Weight;

    public long Groups { get; }

    /// <summary>Whether the module has called the layer while its adapter was apart from it.</summary>
    public bool Ran { get; private set; }

    public LoraLayer? Adapter
    {
        get => _adapter;
        set
        {
            if (_adapter is null && value is not null)
                _layer.register_forward_hook(AddBranch); // goes with the layer, which goes with the network
            _adapter = value;
        }
    }

    /// <returns>Null where no adapter can stand beside such a module.</returns>
    public static TorchLayer? Of(nn.Module module) => module switch
    {
        TorchSharp.Modules.Linear linear => new(
            linear, () => linear.weight, groups: 1, (x, a) => nn.functional.linear(x, a), (x, b) => nn.functional.linear(x, b)),
        TorchSharp.Modules.Conv2d conv => new(
            conv, () => conv.weight, conv.groups, (x, a) => Convolve(conv, x, a), (x, b) => nn.functional.conv2d(x, b)),
        _ => null,
    };

    public void TakeSum(Tensor? sum)
    {
        using var noGradients = no_grad();
        if (sum is not null)
        {
            _original = Weight.detach().DetachFromDisposeScope();
            Weight.set_(sum); // the same memory
        }
        else if (_original is not null)
        {
            Weight.set_(_original);
            _original.Dispose();
            _original = null;
        }
    }

    private Tensor AddBranch(nn.Module<Tensor, Tensor> layer, Tensor input, Tensor output)
    {
        if (_adapter is not { Merged: null } adapter)
            return output;
        Ran = true;
        return adapter.AddBranch(output, input, _down, _up);
    }

    // The layer's geometry with other weights, and no bias.
    private static Tensor Convolve(TorchSharp.Modules.Conv2d conv, Tensor input, Tensor weight)
    {
        if (conv.padding_mode == PaddingModes.Zeros && conv.padding is { } border)
            return nn.functional.conv2d(input, weight, null, conv.stride, border, conv.dilation, groups: 1);
        var ((top, bottom), (left, right)) = (BorderOf(conv, 0), BorderOf(conv, 1));
        var mode = conv.padding_mode == PaddingModes.Zeros ? PaddingModes.Constant : conv.padding_mode;
        using var padded = nn.functional.pad(input, [left, right, top, bottom], mode);
        return nn.functional.conv2d(padded, weight, null, conv.stride, s_none, conv.dilation, groups: 1);
    }

    private static readonly long[] s_none = [0, 0];

    private static (long Before, long After) BorderOf(TorchSharp.Modules.Conv2d conv, int dimension)
    {
        if (conv.padding is { } border)
            return (border[dimension], border[dimension]);
        var total = conv.padding_type == Padding.Same ? conv.dilation[dimension] * (conv.kernel_size[dimension] - 1) : 0;
        return (total / 2, total - total / 2);
    }
}
